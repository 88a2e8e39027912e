# `make check` takes seconds and needs no root; `make test` is everything once.
GO        ?= go
LINT      := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
SUITE     := $(GO) run ./.ci/suite
# Only packages with lab tests: every other one would be built and linked once more.
LABTESTS   = $(shell grep -rlE '^func TestLab' --include='*_test.go' . | xargs -n 1 dirname | sort -u | grep -v internal/lab)
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
export CGO_ENABLED ?= 0

.PHONY: build check vet lint unit lab test test-all test-faults bench packages deps web clean

build:
	$(GO) build -trimpath -tags nethttpomithttp2 -ldflags "-s -w -X relayhost/cmd.version=$(VERSION)" -o relayhost ./cmd/relayhost

check: build vet
	$(GO) test ./...

vet:
	$(GO) vet ./...
	$(GO) vet -tags lab ./...
	GOARCH=arm64 $(GO) build -o /dev/null ./cmd/relayhost

lint:
	$(GO) run $(LINT) run --config .config/golangci.yml ./...

# -race needs cgo.
unit:
	CGO_ENABLED=1 $(SUITE) unit -race -timeout 20m ./...

# Needs root: network namespaces, overlay mounts, a Debian root by debootstrap.
# "world" tests the lab itself.
lab: deps
	CGO_ENABLED=1 $(SUITE) world -race -tags lab -timeout 15m ./internal/lab/...
	CGO_ENABLED=1 $(SUITE) lab -race -tags lab -run Lab -p 2 -parallel 4 -timeout 45m $(LABTESTS)

deps:
	.ci/deps

test: deps vet lint unit lab

# The full tables: every service on every port, every Postfix version.
test-all: deps
	CGO_ENABLED=1 LAB_FULL=1 $(SUITE) lab -race -tags lab -run Lab -p 1 -timeout 120m $(LABTESTS)

# Every point at which setup and rollback can die or fail. It goes on where the
# last pass stopped; remove FAULT_STATE to start again.
FAULT_MINUTES ?= 60
FAULT_STATE   ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/relayhost/faults
test-faults: deps
	mkdir -p $(FAULT_STATE)
	FAULT_MINUTES=$(FAULT_MINUTES) FAULT_STATE=$(FAULT_STATE) $(SUITE) faults \
		-tags lab -run TestLab -count 1 -parallel 4 -timeout 0 ./internal/apply

# Figures with their bounds: times and memory want a machine that does nothing else.
bench: deps
	$(SUITE) bench -tags lab -run TestBench -count 1 -p 1 -timeout 30m ./...

# .deb, .rpm, .apk and .tar.gz for amd64 and arm64, into dist.
packages:
	.ci/package dist

# The page that makes a configuration and explains a log in a browser, into dist/web.
web:
	$(GO) run ./cmd/web dist/web

clean:
	rm -rf relayhost dist
