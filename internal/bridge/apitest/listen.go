package apitest

import (
	"bytes"
	"crypto/tls"
	"log"
	"net"
	"net/http"
	"time"
)

// Start serves handler on a listener by TLS, HTTP/2 where the client takes it. A server
// of net/http gives a client of HTTP/2 two seconds from the TLS handshake to its first
// frame, which a machine under load exceeds; one that does not see the TLS waits for the
// client's preface, which that frame follows, as long as for a request's head.
func Start(l net.Listener, config *tls.Config, handler http.Handler) *http.Server {
	config = config.Clone()
	config.NextProtos = []string{"h2", "http/1.1"}
	server := &http.Server{Handler: handler, Protocols: new(http.Protocols), ReadHeaderTimeout: time.Minute, ErrorLog: log.New(&bytes.Buffer{}, "", 0)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = server.Serve(unseen{tls.NewListener(l, config)}) }()
	return server
}

type unseen struct{ net.Listener }

func (l unseen) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return struct{ net.Conn }{conn}, err
}
