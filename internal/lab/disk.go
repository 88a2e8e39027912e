package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"
)

// MountTmpfs puts an empty file system of this size (bytes) over a directory of
// the server, which is made if need be.
func (s *Server) MountTmpfs(path string, size int) {
	s.t.Helper()
	err := s.enter(func() error {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		return unix.Mount("tmpfs", path, "tmpfs", 0, fmt.Sprintf("mode=0755,size=%d", size))
	})
	if err != nil {
		s.t.Fatalf("lab: %s: mount %s: %v", s.cfg.hostname, path, err)
	}
}

// MountExt4 moves a directory of the server, with what is in it, to an ext4 file
// system of its own of this size (bytes; 2 MB at least), which knows what an
// overlay does not: chattr(1).
func (s *Server) MountExt4(path string, size int64) {
	s.t.Helper()
	err := s.mountExt4(path, size)
	if err != nil {
		s.t.Fatalf("lab: %s: mount %s: %v", s.cfg.hostname, path, err)
	}
}

func (s *Server) mountExt4(path string, size int64) error {
	loop, err := loopExt4(size)
	if err != nil {
		return err
	}
	// The kernel frees the device with its last user: the mount.
	defer loop.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(loop.Fd()), &st); err != nil {
		return err
	}
	const node, stage = "/dev/lab-disk", "/dev/lab-stage"
	err = s.enter(func() error {
		if err := os.MkdirAll(path, 0o755); err != nil {
			return err
		}
		if err := unix.Mknod(node, unix.S_IFBLK|0o600, int(st.Rdev)); err != nil {
			return fmt.Errorf("make node: %w", err)
		}
		return errors.Join(os.Mkdir(stage, 0o700), unix.Mount(node, stage, "ext4", 0, ""), os.Remove(node))
	})
	if err != nil {
		return err
	}
	if r := s.Run("sh", "-c", `cp -a "$1/." "$2/" && rmdir "$2/lost+found"`, "sh", path, stage); r.Code != 0 {
		return fmt.Errorf("copy: %s", r)
	}
	return s.enter(func() error {
		return errors.Join(unix.Mount(stage, path, "", unix.MS_BIND, ""), unix.Unmount(stage, 0), os.Remove(stage))
	})
}

// loopExt4 makes a loop device with an empty ext4 on it, that frees itself.
func loopExt4(size int64) (*os.File, error) {
	image, err := os.CreateTemp("", "relayhost-lab-disk-")
	if err != nil {
		return nil, err
	}
	defer image.Close()
	defer func() { _ = os.Remove(image.Name()) }() // the device keeps it
	if err := image.Truncate(size); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), runTime)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "/sbin/mkfs.ext4", "-q", image.Name()).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("mkfs.ext4: %w: %s", err, out)
	}
	control, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer control.Close()
	for {
		n, err := unix.IoctlRetInt(int(control.Fd()), unix.LOOP_CTL_GET_FREE)
		if err != nil {
			return nil, fmt.Errorf("free loop device: %w", err)
		}
		loop, err := os.OpenFile(fmt.Sprintf("/dev/loop%d", n), os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		err = unix.IoctlLoopConfigure(int(loop.Fd()), &unix.LoopConfig{
			Fd:   uint32(image.Fd()),
			Info: unix.LoopInfo64{Flags: unix.LO_FLAGS_AUTOCLEAR},
		})
		if err == nil {
			return loop, nil
		}
		_ = loop.Close()
		if !errors.Is(err, unix.EBUSY) { // somebody was faster: the next one
			return nil, fmt.Errorf("loop device %d: %w", n, err)
		}
	}
}
