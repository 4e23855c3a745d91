package ctl

import (
	"fmt"
	"strconv"
	"strings"
)

// Share is a part of a whole: above 0, and 1 at most.
type Share float64

// maxShareText bounds what is looked at.
const maxShareText = 32

// UnmarshalText reads 25% or 0.25. A number without either is refused: 1 could be meant
// as a hundredth or as everything.
func (s *Share) UnmarshalText(b []byte) error {
	text := string(b)
	number, percent := strings.CutSuffix(text, "%")
	digits := strings.Replace(number, ".", "", 1)
	if len(text) > maxShareText || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return fmt.Errorf("%s is no share: say 25%% or 0.25", shown(clip(text, maxShareText)))
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return fmt.Errorf("%s is no share: say 25%% or 0.25", text)
	}
	switch {
	case percent:
		v /= 100
	case v == 0: // what to say instead of 0 is not 0%
	case !strings.Contains(number, "."):
		return fmt.Errorf("%s is no share: say %s%%, or 0.25 for a quarter", text, number)
	}
	if v <= 0 || v > 1 {
		return fmt.Errorf("%s is no share: it is above 0%%, and 100%% at most", text)
	}
	*s = Share(v)
	return nil
}

// String is the share in hundredths, as UnmarshalText reads it.
func (s Share) String() string { return strconv.FormatFloat(float64(s)*100, 'f', -1, 64) + "%" }
