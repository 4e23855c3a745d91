// Package screens compares what people saw with what was stored and with what they
// were told is stored. It takes both sides as they were written down, repeats
// included: nothing is removed before it is counted.
package screens
