package lab

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// VM is a machine with a kernel of its own, emulated in software, at the place of a
// server in the world: what needs SELinux is tried there.
type VM struct {
	*machine

	t testing.TB
	n int
}

// machine is a running emulator and its console.
type machine struct {
	console net.Conn
	cmd     *exec.Cmd
	ended   chan struct{}
	said    bytes.Buffer // by the emulator; read after its end

	mu     sync.Mutex
	screen bytes.Buffer
	read   int
}

const emulator = "qemu-system-x86_64"

// How long the machine may take to boot, and a command there: many times what they
// take on two cores that do nothing else.
const (
	vmBoot    = 90 * time.Minute
	vmCommand = 30 * time.Minute
)

// filesSize is that of the disk by which files come to the machine: it is the same
// for every run, since the booted kernel knows it.
const filesSize = 64 << 20

// NewVM is a Debian that enforces SELinux, with relayhost on it, in the world of a
// new lab: booted once a machine, and continued from there. Its emulator is QEMU's
// TCG: no /dev/kvm is needed.
func NewVM(t testing.TB, opts ...Option) (*Lab, *VM) {
	t.Helper()
	l := New(t, append(opts, NoPostfix(), NoIPv6())...)
	v, err := newVM(l)
	if err != nil {
		t.Fatalf("lab: machine: %v", err)
	}
	return l, v
}

func newVM(l *Lab) (*VM, error) {
	image, err := vmImage(l.cfg.suite)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "relayhost-lab-vm-")
	if err != nil {
		return nil, err
	}
	l.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	files := filepath.Join(dir, "files")
	data, err := l.vmFiles()
	if err == nil {
		err = errors.Join(os.WriteFile(files, data, 0o600), os.Truncate(files, filesSize))
	}
	if err != nil {
		return nil, err
	}
	tap, err := l.Server.handOver()
	if err != nil {
		return nil, err
	}
	defer tap.Close()
	m, err := startMachine(dir, append(machineArgs(image, files, ",snapshot=on"), "-netdev", "tap,id=n0,fd=3",
		"-incoming", "exec:cat "+filepath.Join(image, "memory"), "-monitor", "unix:"+filepath.Join(dir, "monitor")+",server=on,wait=off"), tap)
	if err != nil {
		return nil, err
	}
	l.t.Cleanup(m.kill)
	if err := proceed(filepath.Join(dir, "monitor")); err != nil {
		return nil, err
	}
	v := &VM{machine: m, t: l.t}
	return v, v.furnish(l)
}

// proceed lets a machine run that was saved when it stood still. What it is told before
// all of its memory is there has no effect.
func proceed(monitor string) error {
	c, err := new(net.Dialer).DialContext(context.Background(), "unix", monitor)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(runTime))
	var said bytes.Buffer
	for buf := make([]byte, 4096); !strings.Contains(said.String(), "VM status: running"); time.Sleep(100 * time.Millisecond) {
		if _, err := io.WriteString(c, "cont\ninfo status\n"); err != nil {
			return fmt.Errorf("monitor: %w: %s", err, said.Bytes())
		}
		n, err := c.Read(buf)
		said.Write(buf[:n])
		if err != nil {
			return fmt.Errorf("monitor: %w: %s", err, said.Bytes())
		}
	}
	return nil
}

// machineArgs are the emulator's arguments for an image: those that its saved memory
// depends on.
func machineArgs(image, files, disk string) []string {
	return []string{
		"-M", "q35,sata=off,smbus=off", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1024", "-nodefaults", "-display", "none", "-no-reboot",
		"-kernel", filepath.Join(image, "vmlinuz"), "-initrd", filepath.Join(image, "initrd"),
		"-append", "root=/dev/vda rw console=ttyS0 lsm=capability,selinux selinux=1 enforcing=1 systemd.show_status=1",
		"-drive", "file=" + filepath.Join(image, "disk.img") + ",if=virtio,format=raw" + disk,
		"-drive", "file=" + files + ",if=virtio,format=raw,readonly=on",
		"-device", "virtio-net-pci,netdev=n0",
	}
}

// startMachine starts the emulator with its console and the kernel's messages in dir.
func startMachine(dir string, args []string, tap *os.File) (*machine, error) {
	m := &machine{ended: make(chan struct{})}
	socket := filepath.Join(dir, "console")
	m.cmd = exec.CommandContext(context.Background(), emulator, append(args,
		"-serial", "file:"+filepath.Join(dir, "kernel"), "-serial", "unix:"+socket+",server=on,wait=off")...)
	if tap != nil {
		m.cmd.ExtraFiles = []*os.File{tap}
	}
	m.cmd.Env = []string{"PATH=" + path, "TMPDIR=" + dir}
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	m.cmd.Stdout, m.cmd.Stderr = &m.said, &m.said
	started := make(chan error)
	go func() { // the signal of a parent's death comes when its thread ends
		_ = onThread(func() error {
			started <- m.cmd.Start()
			if m.cmd.Process != nil {
				_ = m.cmd.Wait()
			}
			close(m.ended)
			return nil
		})
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("%s: %w", emulator, err)
	}
	if err := m.connect(socket); err != nil {
		m.kill()
		return nil, fmt.Errorf("%w: %s", err, m.said.Bytes())
	}
	return m, nil
}

// kill ends the emulator.
func (m *machine) kill() {
	_ = m.cmd.Process.Kill()
	<-m.ended
	if m.console != nil {
		_ = m.console.Close()
	}
}

// vmGateway is the address by which the machine reaches the world; it is the
// world's own one, answered by the machine's side of the link.
var vmGateway = gw4

// handOver gives the server's address and link to a machine, and returns the
// machine's network card.
func (s *Server) handOver() (*os.File, error) {
	const name = "tap0"
	tap, err := openTunTap(s.net, name, unix.IFF_TAP)
	if err != nil {
		return nil, err
	}
	nl, err := netlink.NewHandleAt(s.net, unix.NETLINK_ROUTE)
	if err != nil {
		return nil, errors.Join(err, tap.Close())
	}
	defer nl.Close()
	move := func() error {
		dev, err := nl.LinkByName(name)
		if err != nil {
			return err
		}
		eth, err := nl.LinkByName("eth0")
		if err != nil {
			return err
		}
		own := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(s.IPv4, 24))}
		if err := nl.AddrDel(eth, own); err != nil {
			return err
		}
		if err := nl.LinkSetUp(dev); err != nil {
			return err
		}
		if err := addAddr(nl, name, netip.PrefixFrom(vmGateway, 32)); err != nil {
			return err
		}
		if err := nl.RouteAdd(&netlink.Route{LinkIndex: dev.Attrs().Index, Dst: ipNet(netip.PrefixFrom(s.IPv4, 32)), Scope: netlink.SCOPE_LINK}); err != nil {
			return err
		}
		_, all, err := net.ParseCIDR("0.0.0.0/0")
		if err != nil {
			return err
		}
		return nl.RouteReplace(&netlink.Route{LinkIndex: eth.Attrs().Index, Dst: all, Scope: netlink.SCOPE_LINK})
	}
	if err := errors.Join(move(), sysctl(s.net, map[string]string{"ipv4/ip_forward": "1"})); err != nil {
		return nil, errors.Join(fmt.Errorf("link of the machine: %w", err), tap.Close())
	}
	return tap, nil
}

// vmFiles is what the machine gets at its start: relayhost, the CA of the world, its
// name server. They lie below /root/lab, and boot copies them.
func (l *Lab) vmFiles() ([]byte, error) {
	program, err := emulated()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, f := range map[string]file{
		"relayhost":   {program, 0o755},
		"ca.pem":      {l.World.CA.PEM, 0o644},
		"resolv.conf": {[]byte("nameserver " + dns4.String() + "\n"), 0o644},
		"hosts":       {[]byte("127.0.0.1 localhost\n127.0.1.1 host.example.com host\n"), 0o644},
	} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: int64(f.mode), Size: int64(len(f.data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}

// connect opens the console, which QEMU makes a moment after its start.
func (m *machine) connect(socket string) error {
	for end := time.Now().Add(runTime); ; time.Sleep(20 * time.Millisecond) {
		c, err := new(net.Dialer).DialContext(context.Background(), "unix", socket)
		if err == nil {
			m.console = c
			break
		}
		select {
		case <-m.ended:
			return fmt.Errorf("the emulator has ended: %w", err)
		default:
		}
		if time.Now().After(end) {
			return err
		}
	}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := m.console.Read(buf)
			m.mu.Lock()
			m.screen.Write(buf[:n])
			m.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return nil
}

func (m *machine) shown(from int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return string(m.screen.Bytes()[from:])
}

// await waits until text is shown after what was read before, and returns what is
// between.
func (m *machine) await(text string, limit time.Duration) (string, error) {
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if before, _, found := strings.Cut(m.shown(m.read), text); found {
			m.read += len(before) + len(text)
			return before, nil
		}
		select {
		case <-m.ended:
			return "", fmt.Errorf("the machine has ended before it said %q", text)
		default:
		}
	}
	return "", fmt.Errorf("the machine has not said %q within %s", text, limit)
}

// logIn waits for the shell of root's login.
func (m *machine) logIn() error {
	if _, err := m.await("root@host", vmBoot); err != nil {
		return err
	}
	// No echo, no prompt, no history: what comes back is the answer alone.
	if _, err := io.WriteString(m.console, "stty -echo; PS1= PS2= HISTFILE=; bind 'set enable-bracketed-paste off'; echo lab-''ready\n"); err != nil {
		return err
	}
	_, err := m.await("lab-ready", vmBoot)
	return err
}

// furnish gives the machine its time, network and files.
func (v *VM) furnish(l *Lab) error {
	r := v.Run("sh", "-euc", `
date -s @`+strconv.FormatInt(time.Now().Unix(), 10)+`
dev=$(ls /sys/class/net | grep -v lo | head -n 1)
ip link set lo up
ip link set "$dev" up
ip addr add `+l.Server.IPv4.String()+`/32 dev "$dev"
ip route add `+vmGateway.String()+` dev "$dev"
ip route add default via `+vmGateway.String()+`
mkdir /root/lab
# Directly: what the kernel has read of the disk at its boot was empty.
dd if=/dev/vdb iflag=direct bs=1M status=none | tar -x -C /root/lab
cp /root/lab/relayhost /usr/local/bin/relayhost
cp /root/lab/hosts /etc/hosts
rm -f /etc/resolv.conf
cp /root/lab/resolv.conf /etc/resolv.conf
cp /root/lab/ca.pem /usr/local/share/ca-certificates/relayhost-lab.crt
cat /root/lab/ca.pem >> /etc/ssl/certs/ca-certificates.crt
restorecon -F /usr/local/bin/relayhost /etc/hosts /etc/resolv.conf /usr/local/share/ca-certificates/relayhost-lab.crt /etc/ssl/certs/ca-certificates.crt
rm -rf /root/lab
systemctl start postfix || { journalctl -b -u 'postfix*' -n 30 >&2; exit 1; }
# Its first start leaves directories of a chroot with other labels than the policy has.
restorecon -r /var/spool/postfix </dev/null 2>&1 | cat
`)
	if r.Code != 0 {
		return fmt.Errorf("furnish: %s", r)
	}
	return nil
}

// Run runs a command in the shell of root's login, as unconfined_t.
func (v *VM) Run(args ...string) Result {
	v.t.Helper()
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	v.n++
	end := fmt.Sprintf("lab-%d-end", v.n)
	// A line of a terminal holds 4096 bytes: the command comes in pieces.
	text := base64.StdEncoding.EncodeToString([]byte(strings.Join(quoted, " ")))
	var b strings.Builder
	b.WriteString("c=\n")
	for len(text) > 0 {
		n := min(len(text), 1000)
		fmt.Fprintf(&b, "c=${c}%s\n", text[:n])
		text = text[n:]
	}
	b.WriteString(`eval "$(echo $c | base64 -d)" </dev/null >/run/lab.out 2>/run/lab.err; r=$?; base64 -w 0 /run/lab.out; echo; base64 -w 0 /run/lab.err; echo; echo "$r" lab-''` + strings.TrimPrefix(end, "lab-") + "\n")
	began := time.Now()
	if _, err := io.WriteString(v.console, b.String()); err != nil {
		v.t.Fatalf("lab: machine: %v", err)
	}
	said, err := v.await(end, vmCommand)
	if err != nil {
		v.t.Fatalf("lab: machine: %q: %v\n%s", args, err, v.shown(v.read))
	}
	lines := strings.Split(strings.ReplaceAll(said, "\r", ""), "\n")
	if len(lines) < 3 {
		v.t.Fatalf("lab: machine: %q: answer %q", args, said)
	}
	lines = lines[len(lines)-3:]
	out, err1 := base64.StdEncoding.DecodeString(lines[0])
	errs, err2 := base64.StdEncoding.DecodeString(lines[1])
	code, err3 := strconv.Atoi(strings.TrimSpace(lines[2]))
	if err := errors.Join(err1, err2, err3); err != nil {
		v.t.Fatalf("lab: machine: %q: answer %q: %v", args, said, err)
	}
	return Result{Stdout: string(out), Stderr: string(errs), Code: code, Took: time.Since(began)}
}

// Shell runs a line of sh(1) in root's login and fails the test if that fails.
func (v *VM) Shell(line string) string {
	v.t.Helper()
	r := v.Run("sh", "-c", line)
	if r.Code != 0 {
		v.t.Fatalf("lab: machine: %s: %s", line, r)
	}
	return r.Stdout
}
