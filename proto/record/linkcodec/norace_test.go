//go:build !race

package linkcodec

const raceEnabled = false
