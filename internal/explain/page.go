package explain

// Page is a cause with texts that it was found in, for a page of its own.
type Page struct {
	Cause
	Samples []string
	Relays  []string // IDs of the relays that say it; none for all
}

// Pages are the causes of the failure catalogue that a text can show, in its order.
func Pages() []Page {
	var list []Page
	for _, f := range must().failures {
		if f.HostOnly || len(f.Samples) == 0 {
			continue
		}
		list = append(list, Page{Cause: f.cause().filled(nil), Samples: f.Samples, Relays: f.Relay})
	}
	return list
}
