// Package lab makes test hosts out of network namespaces: a server with a
// real Debian and a real Postfix, and around it a world of mail exchangers,
// relay services, cloud metadata and DNS that run as goroutines of the test.
// It is imported by tests and benchmarks only, and needs Linux and root.
//
//	the test process (the machine's own namespaces: never touched)
//	|
//	|   goroutines of the test: listeners, the link, the assertions
//	|            |                        |
//	|   world: network namespace          |  server: mount, PID, UTS, IPC, cgroup
//	|   +----------------------------+    |  and network namespaces over an overlay
//	|   | lo  192.0.2.53 (DNS)       |    |  +---------------------------------+
//	|   |     198.51.100.0/24        |    |  | / = Debian root + tmpfs         |
//	|   |     169.254.169.254 ...    |  link | Postfix, relayhost, systemd ... |
//	|   | srv0 ---------------------(TUN)===(TUN)--- eth0 203.0.113.10/24     |
//	|   | nft: the provider's rules  | delay |             2001:db8:a::10/64   |
//	|   | no way out of here         | count |  nft: the host's own rules      |
//	|   +----------------------------+       +---------------------------------+
//
// A test reads like this:
//
//	l := lab.New(t, lab.Cloud("aws"), lab.Port25(lab.Dropped))
//	res := l.Run("relayhost", "detect", "--json")
//
// # Roots
//
// The Debian roots are made once by debootstrap, in the user's cache directory
// ($XDG_CACHE_HOME/relayhost/lab), as overlay layers: one per suite, one with
// Postfix, one with systemd, one for each set of further [Packages]. A server
// never writes to them: its upper layer is a tmpfs.
//
// # The way of a packet
//
// Server and world are joined by two TUN devices. A goroutine per direction
// carries every packet, holds it for the time of [Delay], and counts it
// ([Server.Traffic]), so that round trips and connections can be asserted. The
// world routes between its servers and has no other way out: what goes to an
// address that nobody holds is silently lost, as on the internet.
//
// # The end
//
// Everything ends with the test, also with one that fails, panics or is
// killed: PID 1 of a server dies with the thread that made it, the kernel ends
// the rest of its PID namespace, and mounts and links vanish with their
// namespaces. Nothing has a name outside.
package lab
