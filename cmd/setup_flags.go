package cmd

import "github.com/spf13/pflag"

// setupFlags are the flags of setup as they were given.
type setupFlags struct {
	relay, region, smarthost, port  string
	username, credentialsFile       string
	from, to, rootTo, queue         string
	direct                          []string
	caFile, fingerprint, mapType    string
	connections                     int
	noProbe, insecure               bool
	dryRun, detailedExit, printConf bool
	yes, install, noInstall         bool
	replaceMTA, noVerify, keep      bool
	force                           bool
}

func (f *setupFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.relay, "relay", "", "service (relayhost relays lists them) or a catalogue `file`")
	fs.StringVar(&f.region, "region", "", "region of the service, e.g. eu-west-1")
	fs.StringVar(&f.smarthost, "smarthost", "", "a relay that is in no catalogue, by host `name`")
	fs.StringVar(&f.port, "port", "auto", "submission port, or auto: the first that gets through")
	fs.BoolVar(&f.noProbe, "no-probe", false, "probe nothing beforehand; needs --port")
	fs.StringVar(&f.username, "username", "", "user name at the service")
	fs.StringVar(&f.credentialsFile, "credentials-file", "", "`file` with username= and password=, - for standard input")
	fs.StringVar(&f.from, "from", "", "`address` that mail of this server is sent from")
	fs.StringVar(&f.to, "to", "", "recipient of the test message (default: the address of --from)")
	fs.StringVar(&f.rootTo, "root-to", "", "`address` that mail for root is sent to")
	fs.StringArrayVar(&f.direct, "direct", nil, "recipient `domain` that goes on past the relay (repeatable)")
	fs.StringVar(&f.queue, "queue", "ask", "what happens to mail that waits already: ask, send or hold")
	fs.BoolVar(&f.dryRun, "dry-run", false, "show what would change, and change nothing")
	fs.BoolVar(&f.detailedExit, "detailed-exitcode", false, "with --dry-run: exit code 2 when there are differences")
	fs.BoolVar(&f.printConf, "print-config", false, "print the answers as a relayhost.toml and change nothing")
	fs.BoolVarP(&f.yes, "yes", "y", false, "ask nothing")
	fs.BoolVar(&f.install, "install", false, "install Postfix where it is missing")
	fs.BoolVar(&f.noInstall, "no-install", false, "never install anything")
	fs.BoolVar(&f.replaceMTA, "replace-mta", false, "install Postfix in place of another mail server")
	fs.BoolVar(&f.noVerify, "no-verify", false, "skip the proof of delivery, and say so")
	fs.BoolVar(&f.keep, "keep-on-failure", false, "keep the new configuration when the proof fails")
	fs.StringVar(&f.caFile, "ca-file", "", "CA `file` that the relay's certificate is verified with")
	fs.StringVar(&f.fingerprint, "fingerprint", "", "SHA-256 fingerprint of the relay's certificate in place of a CA")
	fs.BoolVar(&f.insecure, "insecure-no-verify-certificate", false, "encrypt, but accept any certificate")
	fs.StringVar(&f.mapType, "map-type", "", "lookup table type (default: what this Postfix prefers)")
	fs.IntVar(&f.connections, "connections", 0, "connections at once (default: what the service documents, 20 at most)")
	fs.BoolVar(&f.force, "force", false, "go on where another tool manages this host's mail")
}

const setupExample = `  sudo relayhost setup
  sudo relayhost setup --relay ses --region eu-west-1 --from app@example.com \
      --credentials-file ses.txt --yes
  relayhost setup --relay postmark --from app@example.com --dry-run
  sudo relayhost setup --smarthost mail.example.net --port 587 \
      --from app@example.com --credentials-file -
  sudo relayhost setup --root-to admin@example.com --direct example.org
  sudo relayhost setup --to you@example.net --queue hold --yes
  sudo relayhost setup --username AKIAIOSFODNN7EXAMPLE
  sudo relayhost setup --install
  sudo relayhost setup --no-install --yes --json
  sudo relayhost setup --install --replace-mta
  sudo relayhost setup --port 2525 --no-probe --no-verify
  sudo relayhost setup --keep-on-failure --force
  relayhost setup --dry-run --detailed-exitcode
  relayhost setup --print-config
  sudo relayhost setup --map-type lmdb
  sudo relayhost setup --connections 100
  sudo relayhost setup --smarthost mail.example.net --port 465 \
      --ca-file /etc/ssl/corp.pem
  sudo relayhost setup --smarthost mail.example.net --port 587 \
      --fingerprint 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  sudo relayhost setup --smarthost mail.example.net --port 587 \
      --insecure-no-verify-certificate`
