package logline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// entry is one line of a log, understood as far as it could be.
type entry struct {
	time    time.Time // zero: the line does not say
	level   string    // INFO, WARN, …; empty: the line does not say
	message string
	facts   string // key=value, in the order of the line

	process string // whose line it is: it need not say so itself
}

// parse understands what slog's JSON and text handlers write. Anything else is
// a message as it stands.
func parse(line []byte, process string) entry {
	if len(line) > 0 && line[0] == '{' {
		if e, ok := parseJSON(line, process); ok {
			return e
		}
	}
	if bytes.HasPrefix(line, []byte("time=")) {
		if e, ok := parseText(string(line), process); ok {
			return e
		}
	}
	return entry{message: printable(string(line))}
}

func parseJSON(line []byte, process string) (e entry, ok bool) {
	e.process = process
	d := json.NewDecoder(bytes.NewReader(line))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return e, false
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return e, false
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return e, false
		}
		e.take(key.(string), plain(raw)) // a key in an object is always a string
	}
	_, err := d.Token()
	return e, err == nil && e.message != ""
}

// plain is a JSON value as one writes it in a sentence: strings without quotes.
func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

func parseText(line string, process string) (e entry, ok bool) {
	e.process = process
	for line != "" {
		key, rest, found := strings.Cut(line, "=")
		if !found {
			return e, false
		}
		var value string
		if strings.HasPrefix(rest, `"`) {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return e, false
			}
			value, _ = strconv.Unquote(quoted) // QuotedPrefix has checked it
			rest = rest[len(quoted):]
		} else {
			i := strings.IndexByte(rest, ' ')
			if i < 0 {
				i = len(rest)
			}
			value, rest = rest[:i], rest[i:]
		}
		e.take(key, value)
		line = strings.TrimPrefix(rest, " ")
	}
	return e, e.message != ""
}

// spans are the keys under which JSON has times in nanoseconds.
var spans = []string{"after", "pause", "timeout", "took", "window"}

// take files one attribute of a line.
func (e *entry) take(key, value string) {
	switch key {
	case "time":
		if t, err := time.Parse(time.RFC3339Nano, value); err == nil {
			e.time = t
			return
		}
	case "level":
		e.level = value
		return
	case "msg":
		e.message = printable(value)
		return
	case "node", "role":
		// The line begins with the process's name; other nodes' names stay.
		if value == e.process || strings.HasPrefix(e.process, value+"-") {
			return
		}
	}
	if ns, err := strconv.ParseInt(value, 10, 64); err == nil && slices.Contains(spans, key) {
		value = time.Duration(ns).String()
	}
	value = printable(value)
	if value == "" || strings.ContainsAny(value, " =") {
		value = fmt.Sprintf("%q", value)
	}
	if e.facts != "" {
		e.facts += " "
	}
	e.facts += key + "=" + value
}

// printable keeps a line a line: what would move the cursor is written out.
func printable(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) < 0 {
		return strings.ToValidUTF8(s, "?")
	}
	q := strconv.Quote(strings.ReplaceAll(s, "\t", "    "))
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}
