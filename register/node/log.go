package node

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"
)

// newLog makes the log of a process: JSON, or text for people. Every line says role
// and node. level may change later.
func newLog(w io.Writer, format string, level *slog.LevelVar, role, name string) *slog.Logger {
	terminal := isTerminal(w)
	if format == "auto" {
		format = "json"
		if terminal {
			format = "text"
		}
	}
	var h slog.Handler
	if format == "json" {
		h = slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level})
	} else {
		h = tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.StampMilli, NoColor: !terminal})
	}
	return slog.New(h).With("role", role, "node", name)
}

// parseLevel takes what the enum of --log-level allows.
func parseLevel(text string) slog.Level {
	var l slog.Level
	_ = l.UnmarshalText([]byte(text)) // info when it is none of them
	return l
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
