package proc

import "syscall"

// dieWithParent lets the kernel kill the child when the thread that started it
// ends; Fleet starts everything from one thread that lives as long as we do.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
