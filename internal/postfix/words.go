package postfix

import "strings"

// Words splits the value of a list parameter at commas and white space
// (postconf(5)). It does not know braces: names of tables may hold them.
func Words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) })
}
