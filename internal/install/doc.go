// Package install brings Postfix and its prerequisites (SASL plugin, CA
// bundle) through the distribution's package manager, without dialogues, and
// finds another mail server before it does. It configures nothing.
package install
