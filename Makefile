# `make check` takes seconds and needs no root; `make test` is everything once.
GO        ?= go
LINT      := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
SUITE     := $(GO) run ./.ci/suite
# Only packages with lab tests: every other one would be built and linked once more.
LABTESTS   = $(shell grep -rlE '^func TestLab' --include='*_test.go' . | xargs -n 1 dirname | sort -u | grep -v internal/lab)
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
export CGO_ENABLED ?= 0
# As the program is shipped, so that its packages are compiled once for all that is built here.
export GOFLAGS := $(filter-out -trimpath,$(or $(GOFLAGS),$(shell $(GO) env GOFLAGS))) -trimpath
# A program with the race detector would sleep for a second at its end.
export GORACE ?= atexit_sleep_ms=0

.PHONY: build check vet lint compile unit lab world suites program others test test-all test-faults bench packages deps web clean

# Functions begin at a multiple of 16 bytes, not of 32: 0.16 MB less.
build:
	$(GO) build -ldflags "-s -w -funcalign=16 -X relayhost/cmd.version=$(VERSION)" -o relayhost ./cmd/relayhost

# Tests that kill or fail a run at each of its changes do so at some of them with -short.
# What else takes long waits for the most part, so many tests run beside each other.
SHORT = -short -parallel 16

check: build vet
	$(GO) test $(SHORT) ./...

vet:
	$(GO) vet ./...
	$(GO) vet -tags lab ./...
	GOARCH=arm64 $(GO) build -o /dev/null ./cmd/relayhost

# The linter vets with the tag lab; no file is without it that the linter would not see.
# It yields to whatever runs beside it.
lint:
	nice -n 19 $(GO) run $(LINT) run --config .config/golangci.yml ./...

# -race needs cgo; "vet" has vetted all of it. The limit is of one package, and
# more than three times what the slowest needs.
RACE = CGO_ENABLED=1 $(SUITE)
# What a test builds itself it builds as everything else is built, without cgo.
EACH = -race -vet=off -timeout 45m -exec 'env CGO_ENABLED=0'
# Lab tests wait for Postfix most of the time, so many run beside each other.
# Benches have a target of their own, and a lab test runs what is "Inside" on a server.
# What tells a fast refusal from a slow one, or waits for a connection to be closed,
# runs alone, afterwards.
ALONE = LabVerdicts|LabFirewallTools|LabReplies|LabMetadataLinkLocal|MetadataZones|OtherPort|Traps|ProberSurvivesTraps
LABS  = $(EACH) -tags lab -parallel 6 -skip '^Test(Bench|Inside|($(ALONE))$$)'
CLOCK = $(EACH) -tags lab -p 1 -run '^Test($(ALONE))$$' ./detect ./internal/plan ./internal/verify ./internal/lab/script

unit:
	$(RACE) unit $(EACH) ./...

# Needs root: network namespaces, overlay mounts, a Debian root by debootstrap.
lab: deps world
	$(RACE) lab -p 3 $(LABS) -run Lab $(LABTESTS)
	$(RACE) clock $(CLOCK)

# The lab itself: it measures time-outs and delays, and makes the roots.
world: deps
	$(RACE) world $(EACH) -tags lab ./internal/lab

deps:
	.ci/deps

# Much text by functions that share nothing: with the race detector they would take ten
# times as long. "make unit" has them with it.
TEXT = ./internal ./internal/explain
# "make check" is for users who are not root. The tests of these packages write files that
# are root's on a server.
NOROOT = ./internal/host ./internal/install ./internal/oauth ./internal/setup ./internal/verify
# The lab tests of the command start the program as it is shipped, and those of the page a
# browser: the detector would watch little but the lab's servers, which the other packages
# have with it, and takes a third of the time.
PROGRAM = -vet=off -timeout 45m -tags lab -parallel 6 -skip '^Test(Bench|Inside)'
# Those that take longest begin first, so that none of them is left alone at the end.
LONG = ./internal/apply ./internal/verify
ALL  = $(shell $(GO) list ./... | grep -Ev '/internal(/lab|/explain|/apply|/verify)?$$|relayhost/cmd(/web)?$$')

test: deps
	$(MAKE) -j 4 -O lint compile suites

# While the lab makes its roots, which is waiting for the most part: what the tests and the
# page need compiled, and the program for the other architecture.
compile:
	CGO_ENABLED=1 nice -n 10 $(GO) list -race -tags lab -test -export $(LONG) $(ALL) >/dev/null
	nice -n 10 $(GO) list -tags lab -test -export ./cmd/... >/dev/null
	GOOS=js GOARCH=wasm nice -n 10 $(GO) build -gcflags all=-l -o /dev/null ./cmd/web
	GOARCH=arm64 nice -n 19 $(GO) build -o /dev/null ./cmd/relayhost

# The lab first, which makes the roots. Then unit and lab tests in one: each test program is
# linked once, and one package's waits are another's time.
suites: world
	$(SUITE) text -vet=off -timeout 45m $(TEXT)
	$(SUITE) user -vet=off $(SHORT) -exec '"$(CURDIR)/.ci/unprivileged"' $(NOROOT)
	$(MAKE) program others
	$(RACE) clock $(CLOCK)

program:
	$(SUITE) program $(PROGRAM) ./cmd ./cmd/web

others:
	$(RACE) others -p 2 $(LABS) $(LONG) $(ALL)
	$(RACE) unit $(EACH) ./cmd ./cmd/web

# The full tables: every service on every port, every Postfix version.
test-all:
	LAB_FULL=1 $(MAKE) deps
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
