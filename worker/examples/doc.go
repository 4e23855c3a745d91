// Package examples has no code: the examples are the programs below it, and each is
// a whole worker in one file. README.md says what they show and how to run them; the
// tests here keep them as small as promised, and the pages of docs that quote them
// true.
package examples
