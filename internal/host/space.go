//go:build unix

package host

import "golang.org/x/sys/unix"

// Full reports whether the file system of a directory has no room left for a small file:
// neither root's reserve nor what a quota still allows is looked at. Nothing is known
// of a directory that cannot be read, nor of "".
func (r *Reader) Full(dir string) bool {
	var st unix.Statfs_t
	if err := unix.Statfs(r.Real(dir), &st); err != nil || dir == "" {
		return false
	}
	// Btrfs and others count no inodes and say 0 of 0.
	return int64(st.Bavail)*st.Bsize < spareBytes || st.Files > 0 && st.Ffree < spareInodes
}
