package local

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quiet is how many modules are left free around a code, as readers want it.
const quiet = 4

// qrCode draws text as a QR code of half blocks, two modules in a character. With color
// it is black on white whatever the terminal looks like; without, light is what the
// terminal writes with, which is right on the dark ones.
func qrCode(text string, color bool) (string, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("draw a QR code: %w", err)
	}
	light := func(x, y int) bool { return !code.Black(x-quiet, y-quiet) } // outside of it nothing is black
	var b strings.Builder
	side := code.Size + 2*quiet
	for y := 0; y < side; y += 2 {
		b.WriteString("  ")
		if color {
			b.WriteString("\x1b[97;40m") // light is bright white, on black
		}
		for x := range side {
			switch up, down := light(x, y), y+1 < side && light(x, y+1); {
			case up && down:
				b.WriteString("█")
			case up:
				b.WriteString("▀")
			case down:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		if color {
			b.WriteString("\x1b[0m")
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}
