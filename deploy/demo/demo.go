// Package demo is what makes `make run` a place with people in it: accounts with
// something to read, two of whom answer, and traffic that is killed under.
//
// Its parts: seed makes the accounts straight in the database, bots answers for two of
// them over the public protocol, traffic lets others talk, kills what carries them, and
// counts.
package demo

// Account is somebody who is there from the start.
type Account struct {
	Name    string // to sign in with
	Display string // that others see
	Bot     bool   // a program answers for them
}

// Password is everybody's. It is shorter than anybody may choose and known to all: for
// one machine, or for a network of friends.
const Password = "123456"

// Accounts are all of them.
var Accounts = []Account{
	{Name: "zhugeliang", Display: "诸葛亮", Bot: true},
	{Name: "zhangfei", Display: "张飞", Bot: true},
	{Name: "zhaoyun", Display: "赵云"},
	{Name: "liubei", Display: "刘备"},
	{Name: "sunquan", Display: "孙权"},
	{Name: "caocao", Display: "曹操"},
}
