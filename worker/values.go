package worker

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
)

func list(text string) (parts []string) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}

func pairs(text string) (map[string]string, error) {
	m := make(map[string]string)
	for _, part := range list(text) {
		key, value, ok := strings.Cut(part, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("%q is not key=value", part)
		}
		m[key] = value
	}
	return m, nil
}

// logger makes a log whose level is l, which it sets.
func logger(l *slog.LevelVar, level, format string, out io.Writer) (*slog.Logger, error) {
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log-level: %q is none", level)
	}
	opts := slog.HandlerOptions{Level: l}
	switch {
	case format == "text", format == "auto" && isTerminal(out):
		return slog.New(slog.NewTextHandler(out, &opts)), nil
	case format == "json", format == "auto":
		return slog.New(slog.NewJSONHandler(out, &opts)), nil
	}
	return nil, fmt.Errorf("log-format: %q is not auto, text or json", format)
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
