package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// recipe is the version of the way roots are made. After a change of it, every root is
// made again.
const recipe = "v1"

// mirror is where the roots come from. Only debootstrap and apt ask it.
const mirror = "http://deb.debian.org/debian"

// buildTime bounds the making of one layer.
const buildTime = time.Hour

// What the layers above the minimal root hold.
var (
	postfixPackages = []string{
		"postfix", "libsasl2-modules", "ca-certificates", "ssl-cert",
		"iproute2", "nftables", "procps", "strace", "util-linux",
	}
	systemdPackages = []string{"systemd", "systemd-sysv", "dbus"}
)

// cacheDir is the directory of the roots: $XDG_CACHE_HOME/relayhost/lab.
func cacheDir() (string, error) {
	c, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(c, "relayhost", "lab"), nil
}

// notOverlay refuses a cache that cannot hold layers: an overlay, as the root
// of a container is one, cannot be the upper layer of another.
func notOverlay(dir string) error {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if st.Type == unix.OVERLAYFS_SUPER_MAGIC {
		return fmt.Errorf("%s is on an overlay file system: set XDG_CACHE_HOME to a directory on another", dir)
	}
	return nil
}

// layers returns the directories of a server's root as overlayfs wants them: the
// uppermost first. Those that are missing are made first.
func layers(cfg *config) ([]string, error) {
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	if err := notOverlay(cache); err != nil {
		return nil, err
	}
	name := string(cfg.suite)
	base, err := cached(cache, name, func(dir string) error { return debootstrap(cfg.suite, dir) })
	if err != nil {
		return nil, err
	}
	stack := []string{base}
	add := func(short string, packages []string) error {
		name += "-" + short
		dir, err := cached(cache, name, func(dir string) error { return addPackages(stack, dir, packages) })
		if err != nil {
			return err
		}
		stack = slices.Insert(stack, 0, dir)
		return nil
	}
	if cfg.postfix {
		if err := add("postfix", postfixPackages); err != nil {
			return nil, err
		}
	}
	if cfg.upgrades {
		dir, err := cached(cache, name+"-upgrades", func(dir string) error { return upgrades(stack, dir, cfg.suite) })
		if err != nil {
			return nil, err
		}
		stack = slices.Insert(stack, 0, dir)
	}
	if cfg.systemd {
		if err := add("systemd", systemdPackages); err != nil {
			return nil, err
		}
	}
	if len(cfg.packages) > 0 {
		p := slices.Sorted(slices.Values(cfg.packages))
		sum := sha256.Sum256([]byte(strings.Join(p, " ")))
		if err := add(hex.EncodeToString(sum[:6]), p); err != nil {
			return nil, err
		}
	}
	return stack, nil
}

// cached returns the directory of a layer. Whoever finds it missing makes it
// under a lock and renames it into place, so that no half a layer is ever seen.
func cached(cache, name string, build func(dir string) error) (string, error) {
	dir := filepath.Join(cache, name+"-"+recipe)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	lock, err := os.OpenFile(filepath.Join(cache, "."+name+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	part := filepath.Join(cache, "."+name+".part")
	// What an interrupted run has left; its mounts went with its namespace.
	if err := os.RemoveAll(part); err != nil {
		return "", err
	}
	if err := os.Mkdir(part, 0o755); err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(part) }()
	if err := build(part); err != nil {
		return "", fmt.Errorf("make root %s: %w", name, err)
	}
	return dir, os.Rename(filepath.Join(part, "root"), dir)
}

// debootstrap makes part/root: a minimal Debian.
func debootstrap(s Suite, part string) error {
	path, err := exec.LookPath("debootstrap")
	if err != nil {
		return fmt.Errorf("debootstrap is needed (apt-get install debootstrap): %w", err)
	}
	return build(part, `exec "$@"`, path, "--variant=minbase", string(s), filepath.Join(part, "root"), mirror)
}

// addPackages makes part/root: what installing packages changes in the root
// below, as the upper layer of an overlay.
func addPackages(below []string, part string, packages []string) error {
	for _, d := range []string{"root", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(part, d), 0o755); err != nil {
			return err
		}
	}
	return build(part, installScript, append([]string{strings.Join(below, ":")}, packages...)...)
}

// enterRoot merges the layers below with what is written above them, in the layer's
// directory and in namespaces of its own, so that no daemon and no mount outlives it.
const enterRoot = `
set -eu
below=$1; shift
mount -t overlay overlay -o "lowerdir=$below,upperdir=$PWD/$upper,workdir=$PWD/work" merged
cd merged
mount -t proc proc proc
# Device files of its own, as a server has them.
mount -t tmpfs -o mode=0755 dev dev
for n in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "dev/${n%:*}" c 1 "${n#*:}"; done
mknod -m 666 dev/tty c 5 0
ln -s /proc/self/fd dev/fd
hostname host.example.com
cp --remove-destination "$(readlink -f /etc/resolv.conf)" etc/resolv.conf
printf '127.0.0.1 localhost\n127.0.1.1 host.example.com host\n' > etc/hosts
echo host.example.com > etc/mailname
printf '#!/bin/sh\nexit 101\n' > usr/sbin/policy-rc.d
chmod 755 usr/sbin/policy-rc.d
# A mirror may lag behind the clock; the signature is still checked.
inRoot() { chroot . env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }
update() { inRoot apt-get -q -o Acquire::Check-Valid-Until=false update; }
`

const installScript = "upper=root" + enterRoot + `
cat > tmp/preseed <<'END'
postfix postfix/main_mailer_type select Internet Site
postfix postfix/mailname string host.example.com
postfix postfix/protocols select all
END
inRoot debconf-set-selections /tmp/preseed
update
# Nothing needs to outlive a loss of power: dpkg(1) takes half the time.
inRoot apt-get -qy -o Dpkg::Options::=--force-unsafe-io --no-install-recommends install "$@"
inRoot apt-get clean
rm -rf var/lib/apt/lists/*
rm -f tmp/preseed usr/sbin/policy-rc.d etc/resolv.conf
`

// build runs a shell script in mount, UTS and PID namespaces of its own.
func build(dir, script string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", script, "sh"}, args...)...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   unix.CLONE_NEWPID,
		Unshareflags: unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
	}
	if err := cmd.Run(); err != nil {
		const end = 4000
		o := out.Bytes()
		return errors.Join(err, ctx.Err(), fmt.Errorf("%s", o[max(0, len(o)-end):]))
	}
	return nil
}
