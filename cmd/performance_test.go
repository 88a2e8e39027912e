//go:build lab

package cmd_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"relayhost/internal/lab"
)

// TestPerformanceDocument: the document has the figures of lab.Documented with the bounds that
// benches hold them to, and for each bound a value that was measured, with its date.
func TestPerformanceDocument(t *testing.T) {
	text, err := os.ReadFile("../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	bounds, measured, ok := strings.Cut(string(text), "\n## Measured\n")
	if !ok || !regexp.MustCompile(`On 20\d\d-\d\d-\d\d`).MatchString(measured) {
		t.Fatal("got no section Measured with a date, want one")
	}
	number := regexp.MustCompile(`[0-9.]+`)
	got := map[string]float64{}
	values := map[string]string{}
	for _, row := range rows(measured) {
		values[row[0]] = row[1]
	}
	for _, row := range rows(bounds) {
		if !number.MatchString(values[row[0]]) {
			t.Errorf("%s: got the measured value %q, want a number", row[0], values[row[0]])
		}
		if name, ok := strings.CutPrefix(row[0], "`"); ok {
			got[strings.TrimSuffix(name, "`")], err = strconv.ParseFloat(number.FindString(row[1]), 64)
			if err != nil {
				t.Errorf("%s: got the bound %q, want a number", name, row[1])
			}
		}
	}
	if !maps.Equal(got, lab.Documented) {
		t.Errorf("got the bounds %v\nwant %v", got, lab.Documented)
	}
}

// rows returns the first two cells of each row of the tables of a text.
func rows(text string) (list [][2]string) {
	for _, cells := range regexp.MustCompile(`(?m)^\| (.+?) \| (.+?) \|`).FindAllStringSubmatch(text, -1) {
		if !slices.Contains([]string{"figure", "---"}, cells[1]) {
			list = append(list, [2]string{cells[1], cells[2]})
		}
	}
	return list
}
