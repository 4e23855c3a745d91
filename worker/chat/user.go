package chat

import "time"

// User is an account.
type User struct {
	Realm   Realm
	ID      UserID
	Name    string
	Display string // what it is shown as; "": Name
	Guest   bool   // it has no password
}

// NewUser is an account to be made.
type NewUser struct {
	User
	PasswordHash string // "" of a guest
	Request      RequestID
}

// Account is a user with what proves who it is.
type Account struct {
	User
	PasswordHash string
	Request      RequestID // of the sign-up that made it
}

// Family is a sign-in of a device: one chain of refresh tokens, of which only the
// newest is good. What is kept of a token is its hash.
type Family struct {
	Realm   Realm
	ID      FamilyID
	User    UserID
	Device  DeviceID
	Token   string // hash of the good token
	Expires time.Time
}

// Rotation trades the good token of a family for the next. Both are hashes.
type Rotation struct {
	Family  FamilyID
	Old     string
	New     string
	Request RequestID
	Expires time.Time // of the new token
}
