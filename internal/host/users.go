//go:build unix

package host

import (
	"slices"
	"strconv"
	"strings"
)

// User is a line of passwd(5); a number that is none is -1.
type User struct {
	Name     string
	UID, GID int
}

// Users are the users of /etc/passwd in its order.
func Users(r *Reader) ([]User, error) {
	text, err := r.ReadFile("/etc/passwd")
	if err != nil {
		return nil, err
	}
	number := func(s string) int {
		if n, err := strconv.ParseUint(s, 10, 31); err == nil {
			return int(n)
		}
		return -1
	}
	var users []User
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(line, ":"); len(f) > 3 {
			users = append(users, User{f[0], number(f[2]), number(f[3])})
		}
	}
	return users, nil
}

// LookUser finds a user by name.
func LookUser(r *Reader, name string) (u User, ok bool, err error) {
	users, err := Users(r)
	if i := slices.IndexFunc(users, func(u User) bool { return u.Name == name }); i >= 0 {
		return users[i], true, nil
	}
	return u, false, err
}
