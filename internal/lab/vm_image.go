package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// vmPackages make a root of the lab a machine that boots, with SELinux in it.
var vmPackages = []string{
	"linux-image-cloud-amd64", "initramfs-tools", "udev", "login", "selinux-policy-default", "policycoreutils",
	"policycoreutils-python-utils", "auditd", "rsyslog", "python3-minimal",
}

// vmImage returns the directory with disk.img, vmlinuz, initrd and the state of the
// memory of a Debian that enforces SELinux by Debian's own policy, after its boot. It
// is made once a machine, and again when the disk's script or the emulator changes: a
// state is of one version.
func vmImage(s Suite) (string, error) {
	version, err := exec.CommandContext(context.Background(), emulator, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%s is needed (apt-get install qemu-system-x86): %w", emulator, err)
	}
	cfg := plain().with([]Option{On(s), Systemd(), Packages(vmPackages...)})
	stack, err := layers(cfg)
	if err != nil {
		return "", err
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	made := sha256.Sum256([]byte(imageScript))
	name := strings.TrimSuffix(filepath.Base(stack[0]), "-"+recipe) + "-" + hex.EncodeToString(made[:6])
	disk, err := cached(cache, name+"-disk", func(part string) error {
		for _, d := range []string{"root", "upper", "work", "merged"} {
			if err := os.Mkdir(filepath.Join(part, d), 0o755); err != nil {
				return err
			}
		}
		return build(part, imageScript, strings.Join(stack, ":"))
	})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(version, strings.Join(machineArgs("", "", ""), " ")...))
	return cached(cache, name+"-booted-"+hex.EncodeToString(sum[:6]), func(part string) error {
		return bootImage(disk, filepath.Join(part, "root"))
	})
}

// bootImage copies the disk, boots from it up to root's login, and saves the memory.
func bootImage(disk, dir string) error {
	if out, err := exec.CommandContext(context.Background(), "cp", "-a", "--sparse=always", "--reflink=auto", disk, dir).CombinedOutput(); err != nil {
		return fmt.Errorf("copy the disk: %w: %s", err, out)
	}
	// Sockets have short names.
	run, err := os.MkdirTemp("", "relayhost-lab-vm-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(run) }()
	files := filepath.Join(run, "files")
	if err := errors.Join(os.WriteFile(files, nil, 0o600), os.Truncate(files, filesSize)); err != nil {
		return err
	}
	// Without snapshot: the disk belongs to the state of the memory.
	m, err := startMachine(run, append(machineArgs(dir, files, ""), "-netdev", "hubport,id=n0,hubid=0", "-monitor", "unix:"+filepath.Join(run, "monitor")+",server=on,wait=off"), nil)
	if err != nil {
		return err
	}
	defer m.kill()
	err = m.logIn()
	if err == nil {
		err = m.save(filepath.Join(run, "monitor"), filepath.Join(dir, "memory"))
	}
	if err != nil {
		kernel, _ := os.ReadFile(filepath.Join(run, "kernel"))
		return fmt.Errorf("%w\n%s\n%s", err, m.shown(0), kernel[max(0, len(kernel)-4000):])
	}
	return nil
}

// save writes the state of the memory to a file and ends the machine.
func (m *machine) save(monitor, memory string) error {
	c, err := new(net.Dialer).DialContext(context.Background(), "unix", monitor)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := fmt.Fprintf(c, "stop\nmigrate \"exec:cat >%s\"\ninfo migrate\n", memory); err != nil {
		return err
	}
	said := make([]byte, 64<<10)
	for end, n := time.Now().Add(vmCommand), 0; time.Now().Before(end) && n < len(said); {
		k, err := c.Read(said[n:])
		if err != nil {
			return fmt.Errorf("monitor: %w: %s", err, said[:n])
		}
		n += k
		switch text := string(said[:n]); {
		case strings.Contains(text, "Migration status: completed"):
			_, err := io.WriteString(c, "quit\n")
			<-m.ended
			return err
		case strings.Contains(text, "Migration status: failed"):
			return fmt.Errorf("save the memory: %s", text)
		}
		time.Sleep(100 * time.Millisecond)
		if _, err := io.WriteString(c, "info migrate\n"); err != nil {
			return err
		}
	}
	return fmt.Errorf("save the memory: not done: %s", said)
}

// imageScript makes root/disk.img, labelled: setfiles(8) needs no kernel with SELinux,
// and mke2fs keeps the labels. The console for commands is the second serial port: the
// kernel writes to the first.
const imageScript = `
set -eu
mount -t overlay overlay -o "lowerdir=$1,upperdir=$PWD/upper,workdir=$PWD/work" merged
cd merged
echo '/dev/vda / ext4 defaults 0 1' > etc/fstab
echo host.example.com > etc/hostname
printf 'SELINUX=enforcing\nSELINUXTYPE=default\n' > etc/selinux/config
: > etc/machine-id
mkdir -p etc/systemd/system/multi-user.target.wants etc/systemd/system.conf.d
# No dependency on the device, for which systemd waits 90 s at most.
printf '[Unit]\nAfter=systemd-user-sessions.service auditd.service rsyslog.service\n[Service]\nType=idle\nExecStart=-/sbin/agetty --autologin root --noclear --keep-baud 115200 ttyS1 dumb\nStandardInput=tty\nStandardOutput=tty\nTTYPath=/dev/ttyS1\nTTYReset=yes\nTTYVHangup=yes\nUtmpIdentifier=ttyS1\nRestart=always\n' > etc/systemd/system/lab-getty.service
ln -s ../lab-getty.service etc/systemd/system/multi-user.target.wants/lab-getty.service
printf '[Manager]\nDefaultTimeoutStartSec=30min\nDefaultDeviceTimeoutSec=30min\n' > etc/systemd/system.conf.d/lab.conf
rm -f etc/systemd/system/multi-user.target.wants/postfix.service
# systemd gives its generators 90 s, which emulation on a busy machine takes for them.
mkdir -p etc/systemd/system-generators
for generator in usr/lib/systemd/system-generators/*; do ln -sf /dev/null "etc/systemd/system-generators/${generator##*/}"; done
# Nothing of this takes part in a test, and each costs seconds of emulation.
for unit in serial-getty@ttyS0.service getty@tty1.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
	e2scrub_all.timer e2scrub_reap.service fstrim.timer man-db.timer systemd-timesyncd.service systemd-pstore.service systemd-networkd.service \
	systemd-networkd-wait-online.service sys-kernel-debug.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount sys-kernel-config.mount \
	dev-hugepages.mount systemd-tpm2-setup-early.service systemd-tpm2-setup.service; do
	ln -sf /dev/null "etc/systemd/system/$unit"
done
passwd=$(chroot . cat /etc/shadow | sed 's/^root:[^:]*:/root::/')
printf '%s\n' "$passwd" > etc/shadow
# Names that share a file (smtp and lmtp do) would get the label of one of them.
find . -xdev -type f -links +1 -exec sh -c 'for f; do cp -a "$f" "$f.one"; mv "$f.one" "$f"; done' sh {} +
chroot . setfiles -F /etc/selinux/default/contexts/files/file_contexts /
cp -L vmlinuz ../root/vmlinuz
cp -L initrd.img ../root/initrd
cd ..
mke2fs -q -t ext4 -d merged root/disk.img 3G
`
