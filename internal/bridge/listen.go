//go:build unix

package bridge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The limits of a process that serves all connections of a bridge.
const (
	serviceMemory = 96 << 20 // bytes, soft
	serviceFiles  = 4096
	maxServed     = 1000 // connections at once; more wait in the socket's backlog
)

// Listen serves every connection of l by the same code as a process of spawn(8),
// until ctx ends. Then no connection is taken any more, those that idle end, and
// messages that are on their way are finished. open connects to the next hop.
func Listen(ctx context.Context, l net.Listener, name string, open func(context.Context) (Hop, error)) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var served sync.WaitGroup
	defer served.Wait()
	room := make(chan struct{}, maxServed)
	for {
		room <- struct{}{}
		conn, err := l.Accept()
		var failed net.Error
		switch {
		case err == nil: // one that came as ctx ended is told so
		case ctx.Err() != nil, errors.Is(err, net.ErrClosed):
			return nil
		case errors.As(err, &failed) && failed.Timeout() || errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) || errors.Is(err, unix.ECONNABORTED):
			<-room
			time.Sleep(50 * time.Millisecond) // out of files, or gone before it was taken
			continue
		case err != nil:
			return fmt.Errorf("accept: %w", err)
		}
		served.Go(func() {
			defer func() { <-room }()
			defer conn.Close()
			_ = Serve(ctx, conn, name, open) // Postfix logs what happened
		})
	}
}

// RunService is a whole process under a socket unit of systemd that serves all
// connections of the bridge name.
func RunService(ctx context.Context, directory, name string) error {
	l, err := inherited()
	if err != nil {
		return err
	}
	defer func() { _ = l.Close() }()
	if err := harden(serviceMemory, serviceFiles); err != nil {
		return err
	}
	o := newOpener(directory, name)
	_, _ = o.config() // before anything is read; open reports errors
	return listenFresh(ctx, l, greeting, o.stale, o.open)
}

// staleEvery is how often a process looks whether what it runs with has changed, so that
// it is over before Postfix has mail for it.
const staleEvery = time.Second

// errStale tells Postfix to come again.
var errStale = errors.New("what this process was started with has changed: the next one serves")

// listenFresh is Listen until stale reports true, as if ctx had ended then: mail is not
// handed on with a former configuration. systemd watches its socket again once this process
// has ended, and starts another for the next connection. Connections wait for that in the
// socket's backlog while messages that are on their way are finished.
func listenFresh(ctx context.Context, l net.Listener, name string, stale func() bool, open func(context.Context) (Hop, error)) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	go func() {
		tick := time.NewTicker(staleEvery)
		defer tick.Stop()
		for !stale() {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
		end()
	}()
	return Listen(ctx, l, name, func(ctx context.Context) (Hop, error) {
		if stale() {
			end()
			return nil, errStale
		}
		return open(ctx)
	})
}

// inherited is the socket that systemd has opened (sd_listen_fds(3)).
func inherited() (net.Listener, error) {
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) || os.Getenv("LISTEN_FDS") != "1" {
		return nil, errors.New("no socket was handed over: a socket unit of systemd starts this command")
	}
	unix.CloseOnExec(3)
	f := os.NewFile(3, "socket")
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("take the socket of systemd: %w", err)
	}
	if u, ok := l.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // systemd's
	}
	return l, nil
}
