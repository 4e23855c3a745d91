// Package answer is the worker that the prover runs, and the language that the
// prover's clients speak with it. It keeps nothing between events but what the
// gateway keeps for it, so that any worker can go on where another was killed.
//
// A client sends text frames `KIND TAG N [ARG]`, N counting from 1, and gets one
// answer for each: `TAG N WHO SESSION`. WHO is the process that answered, SESSION
// the session it saw when the handler began. The kinds differ in what the handler
// does with the conn meanwhile, and in the way the answer takes:
//
//	reply    the answer rides on the acknowledgement
//	session  as reply, and the session becomes N
//	bind     takes as long as ARG says (150ms), binds the conn to the user
//	         TAG.N.WHO, then as reply
//	check    as reply, and SESSION is "user" when the gateway has the conn under
//	         another user than the handler thinks
//	push     sends `msg TAG ARG` to the group TAG, which the conn is in, waits for
//	         the result, then as reply
//	to       the same to the user ARG, with N in place of ARG
//	as       binds to the user ARG at once, then as reply
//	die      ends its process, as by SIGKILL, each time
//
// Answers ride on acknowledgements, so they come once and in order whoever gives
// them. What is sent with a Sender comes once because it is named, and in order
// because its result is waited for, but not in order with the answers: a worker
// that lost the conn may still send what its successor is about to send again.
package answer
