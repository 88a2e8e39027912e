//go:build js && wasm

// Command web is the page that makes a configuration and explains a log in a
// browser. Built for one (GOOS=js GOARCH=wasm) it answers the page's worker; built
// for the machine it makes the site.
package main

import (
	"encoding/json"
	"fmt"
	"syscall/js"

	"relayhost/internal/postfix"
	"relayhost/internal/web"
)

// main puts one function into the worker: relayhost(name, document) gives a
// document.
func main() {
	js.Global().Set("relayhost", js.FuncOf(func(_ js.Value, args []js.Value) any {
		return string(answer(args[0].String(), []byte(args[1].String())))
	}))
	js.Global().Call("relayhostReady")
	select {}
}

// answer is the document that a call gives. A fault of this program becomes a
// document as well: the worker goes on.
func answer(name string, in []byte) (out []byte) {
	defer func() {
		if r := recover(); r != nil {
			out, _ = json.Marshal(map[string]string{"error": fmt.Sprintf("this page has a fault: %v", r)})
		}
	}()
	var result any
	switch name {
	case "generate":
		result = ask(in, web.Generate)
	case "explain":
		result = ask(in, web.Explain)
	case "distributions":
		result = postfix.Distributions()
	}
	out, err := json.Marshal(result)
	if err != nil {
		panic(err)
	}
	return out
}

// ask reads the document in and hands it to f.
func ask[In, Out any](in []byte, f func(In) Out) any {
	var v In
	if err := json.Unmarshal(in, &v); err != nil {
		return map[string]string{"error": "the document cannot be read: " + err.Error()}
	}
	return f(v)
}
