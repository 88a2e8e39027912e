package relays

import "testing"

func TestCatalogLoads(t *testing.T) {
	all, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(len(all))
}
