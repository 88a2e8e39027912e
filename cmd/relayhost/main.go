// Command relayhost gets mail out of a server whose outbound port 25 is
// blocked, through a relay service, with Postfix.
package main

import (
	"os"

	"relayhost/cmd"
)

func main() { os.Exit(cmd.Main(os.Args[1:])) }
