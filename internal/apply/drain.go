package apply

import (
	"bytes"
	"context"
	"path/filepath"
	"strconv"
	"time"

	"relayhost/internal/host"
	"relayhost/internal/postfix"
)

// drainTime is how long a service that goes may take to end its deliveries.
const drainTime = 10 * time.Second

// drain comes before services are taken out of master.cf. At the reload
// master(8) ends their processes with SIGTERM, also one that has just sent a
// message and has not noted that down: it would be sent again. Postfix has been
// told by then that nothing goes there any more; processes end when they are
// done.
func (x executor) drain(ctx context.Context, names []string) error {
	if x.h.Root != "" || !delivering(x.h, names) {
		return nil
	}
	x.o.say("waiting for deliveries to end")
	for end := time.Now().Add(drainTime); delivering(x.h, names) && time.Now().Before(end); {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// lostServices lists the services of master.cf that are gone after s.
func lostServices(s step) []string {
	if filepath.Base(s.Path) != "master.cf" {
		return nil
	}
	return servicesWithout(s.rest().Before.data, s.After.data)
}

// servicesWithout lists the services in master that other does not have.
func servicesWithout(master, other []byte) []string {
	has, err := postfix.ParseMaster(master)
	if err != nil { // then master(8) has not read it either
		return nil
	}
	left := map[string]bool{}
	if without, err := postfix.ParseMaster(other); err == nil {
		for _, service := range without.Services() {
			left[service.Name] = true
		}
	}
	var names []string
	for _, service := range has.Services() {
		if !left[service.Name] {
			names = append(names, service.Name)
		}
	}
	return names
}

// delivering reports whether a process of one of the services runs: master(8) starts
// "smtp -n NAME -t unix ...".
func delivering(h *host.Host, services []string) bool {
	if len(services) == 0 {
		return false
	}
	pids, _ := h.ReadDir("/proc")
	for _, pid := range pids {
		if _, err := strconv.Atoi(pid); err != nil {
			continue
		}
		line, err := h.ReadFile(filepath.Join("/proc", pid, "cmdline"))
		if err != nil {
			continue
		}
		for _, name := range services {
			for _, program := range []string{"smtp", "lmtp"} {
				if bytes.HasPrefix(line, []byte(program+"\x00-n\x00"+name+"\x00")) {
					return true
				}
			}
		}
	}
	return false
}
