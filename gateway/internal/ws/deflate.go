package ws

import (
	"net/http"
	"runtime"
	"slices"
	"strings"

	"github.com/lxzan/gws"
)

// deflateOffer is the only form of permessage-deflate spoken here, RFC 7692:
// without context takeover, so that no conn keeps a window and a frame can be
// shared.
const deflateOffer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

func deflateOption(cfg Config) gws.PermessageDeflate {
	return gws.PermessageDeflate{
		Enabled:             cfg.Deflate,
		Threshold:           cfg.DeflateThreshold,
		PoolSize:            runtime.GOMAXPROCS(0),
		ServerMaxWindowBits: 15,
		ClientMaxWindowBits: 15,
	}
}

// negotiate settles permessage-deflate and leaves in the header what gws, which
// does not read offers closely, cannot get wrong. It reports whether the conn
// deflates.
func negotiate(h http.Header, enabled bool) bool {
	offers := strings.Join(h.Values("Sec-Websocket-Extensions"), ",")
	h.Del("Sec-Websocket-Extensions")
	if !enabled {
		return false
	}
	for offer := range strings.SplitSeq(offers, ",") {
		if acceptable(offer) {
			h.Set("Sec-Websocket-Extensions", deflateOffer)
			return true
		}
	}
	return false
}

// windowBits are the values of client_max_window_bits. None has a leading zero.
var windowBits = []string{"8", "9", "10", "11", "12", "13", "14", "15"}

// acceptable says whether we can do what an offer asks. A smaller window for
// what we send would need a compressor per size: such an offer is declined.
func acceptable(offer string) bool {
	name, params, _ := strings.Cut(offer, ";")
	if strings.TrimSpace(name) != "permessage-deflate" {
		return false
	}
	seen := make(map[string]bool)
	for param := range strings.SplitSeq(params, ";") {
		key, value, has := strings.Cut(strings.TrimSpace(param), "=")
		key, value = strings.TrimSpace(key), strings.Trim(strings.TrimSpace(value), `"`)
		if seen[key] {
			return false
		}
		seen[key] = true
		switch key {
		case "":
			if params != "" {
				return false
			}
		case "server_no_context_takeover", "client_no_context_takeover":
			if has {
				return false
			}
		case "client_max_window_bits":
			if has && !slices.Contains(windowBits, value) {
				return false
			}
		default:
			return false
		}
	}
	return true
}
