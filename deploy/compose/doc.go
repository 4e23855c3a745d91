// Package compose holds the files that make containers of Parley: compose.yaml, the
// smallest real cluster, and the balancer of it; ../Dockerfile makes the images. Its Go
// code reads these files as far as tests need it to prove them on a machine without a
// container engine: the steps of the Dockerfile run in a plain folder ([Dockerfile]),
// and the services of compose.yaml run as processes, by the very commands that stand in
// it ([File]). What is left unproved is that the engine and the images of others do
// what they say.
package compose
