//go:build unix

package smtpprobe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"syscall"
)

type dialFunc func(ctx context.Context, addr netip.AddrPort, uid int) (net.Conn, error)

// dial connects to addr, as the user uid where that is asked for and possible.
func dial(ctx context.Context, addr netip.AddrPort, uid int) (net.Conn, error) {
	dialer := net.Dialer{KeepAlive: -1}
	if uid <= 0 || os.Geteuid() != 0 {
		return dialer.DialContext(ctx, "tcp", addr.String())
	}
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result, 1)
	go func() {
		// A packet's owner, as the firewall sees it, is who made the socket.
		// The raw call changes this thread only; the thread is locked and
		// never unlocked, so that it ends with the goroutine.
		runtime.LockOSThread()
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); errno != 0 {
			done <- result{nil, fmt.Errorf("become user %d: %w", uid, errno)}
			return
		}
		conn, err := dialer.DialContext(ctx, "tcp", addr.String())
		done <- result{conn, err}
	}()
	r := <-done
	return r.conn, r.err
}
