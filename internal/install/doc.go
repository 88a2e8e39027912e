// Package install brings Postfix and its prerequisites through the distribution's package manager.
package install
