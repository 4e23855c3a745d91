package ws

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"golang.org/x/net/idna"
)

// allowedOrigin lets through what is no browser: without an Origin there is no
// foreign page whose script could misuse a user's cookies. Scheme and port of an Origin
// do not count. "null", which pages of files and sandboxed frames send, names no host.
func allowedOrigin(r *http.Request, origins []string) bool {
	if len(origins) == 0 {
		return true
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if origin != "" && (err != nil || !allowed(u.Hostname(), origins)) {
			return false
		}
	}
	return true
}

// allowed compares a host name with a list as patterns has made it; "*.example.com"
// stands for all names below example.com, and "*" for all names. An empty list allows all.
func allowed(host string, list []string) bool {
	for _, want := range list {
		if below, ok := strings.CutPrefix(want, "*"); ok {
			if len(host) > len(below) && strings.EqualFold(host[len(host)-len(below):], below) {
				return true
			}
		} else if strings.EqualFold(host, want) {
			return true
		}
	}
	return len(list) == 0
}

// patterns brings host names into the form in which browsers send them: Punycode, and
// addresses without brackets.
func patterns(list []string) (made []string, err error) {
	var errs []error
	for _, s := range list {
		p, err := pattern(s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		made = append(made, p)
	}
	return made, errors.Join(errs...)
}

// dns maps names as browsers do. It lets underscores pass, which private networks have.
var dns = idna.New(idna.MapForLookup(), idna.StrictDomainName(false))

func pattern(s string) (string, error) {
	if s == "*" {
		return s, nil
	}
	if ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")); err == nil {
		return ip.String(), nil
	}
	name, below := strings.CutPrefix(s, "*.")
	if name == "" || strings.ContainsAny(name, "*:/@?#[] ") {
		return "", fmt.Errorf("%q is no host name: want chat.example.com, which any scheme and port may stand around, or *.example.com", s)
	}
	ascii, err := dns.ToASCII(name)
	if err != nil {
		return "", fmt.Errorf("%q is no host name: %w", s, err)
	}
	if below {
		ascii = "*." + ascii
	}
	return ascii, nil
}
