package config

import (
	"fmt"
	"strings"

	"relayhost/internal/tomlpos"
)

// MaxMistakes bounds how many mistakes of a file are told at once.
const MaxMistakes = 20

// FileError is a mistake in the file at Path. Line is 0 where none can be named.
type FileError struct {
	Line int
	Msg  string
	Hint string // what to do; may be empty
}

// Error gives "file:line: message".
func (e *FileError) Error() string {
	msg := e.Msg
	if len(msg) > maxMessage { // it quotes a value of any length
		msg = strings.ToValidUTF8(msg[:maxMessage], "") + "..."
	}
	if e.Line == 0 {
		return Path + ": " + msg
	}
	return fmt.Sprintf("%s:%d: %s", Path, e.Line, msg)
}

// maxMessage bounds what is told of one mistake, in bytes.
const maxMessage = 500

// file is the text that a Config was read from.
type file struct {
	text   []byte
	stored *fileConfig   // as it was read: a Config takes five times the room
	keys   *tomlpos.Keys // where its keys are, once that has been asked
}

// Mistake is a *FileError at the line of key, or of the nearest table that holds
// it: "port", "route[2].senders[0]", "fallback[1].credentials_file".
func (c Config) Mistake(key, format string, args ...any) *FileError {
	return &FileError{Line: c.line(key), Msg: fmt.Sprintf(format, args...)}
}

// line is where key stands in the file that c was read from, 0 where it does not.
func (c Config) line(key string) int {
	if value, _, _ := strings.Cut(key, "["); c.file == nil || c.given[value] {
		return 0
	}
	if c.file.keys == nil {
		keys := tomlpos.Find(c.file.text)
		c.file.keys = &keys
	}
	return c.file.keys.Line(key)
}

// Where is "file:line" of key.
func (c Config) Where(key string) string {
	if line := c.line(key); line > 0 {
		return fmt.Sprintf("%s:%d", Path, line)
	}
	return Path
}
