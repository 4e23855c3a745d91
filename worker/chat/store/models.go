package store

// The tables. The migrations make them; a test compares the two. Times are
// milliseconds of the database's clock, kinds and roles the numbers of package chat,
// hashes base64url. There are no foreign keys: a transaction's invariants stay inside
// one conversation or one user, so that the tables can be split by those.

// user is an account.
type user struct {
	ID           string `gorm:"primaryKey;type:varchar(36)"`
	Realm        string `gorm:"type:varchar(32);not null;uniqueIndex:users_name,priority:1"`
	NameKey      string `gorm:"type:varchar(256);not null;uniqueIndex:users_name,priority:2"` // folded
	Name         string `gorm:"type:varchar(256);not null"`
	PasswordHash string `gorm:"type:varchar(255);not null"`
	RequestID    string `gorm:"type:varchar(64);not null"` // of the sign-up
	CreatedAt    int64  `gorm:"type:bigint;not null;autoCreateTime:false"`
	DisplayName  string `gorm:"type:varchar(256)"` // "", or NULL by an earlier version: there is none
	Guest        int8   `gorm:"type:smallint"`     // 1: it is one; NULL by an earlier version
}

// family is a sign-in: a chain of refresh tokens.
type family struct {
	ID          string `gorm:"primaryKey;type:varchar(36)"`
	Realm       string `gorm:"type:varchar(32);not null"`
	UserID      string `gorm:"type:varchar(36);not null;index:families_user"`
	Device      string `gorm:"type:varchar(64);not null"`
	Token       string `gorm:"type:varchar(43);not null"` // hash of the good one
	LastToken   string `gorm:"type:varchar(43);not null"` // hash of the one before; "": there is none
	LastRequest string `gorm:"type:varchar(64);not null"` // that traded LastToken for Token
	ExpiresAt   int64  `gorm:"type:bigint;not null;index:families_expiry"`
	RevokedAt   int64  `gorm:"type:bigint;not null"` // 0: it is not
	CreatedAt   int64  `gorm:"type:bigint;not null;autoCreateTime:false"`
}

// conversation is one, with its counters. Its row is locked by every transaction that
// takes a number from it; several are locked in order of id.
type conversation struct {
	ID        string  `gorm:"primaryKey;type:varchar(36)"`
	Realm     string  `gorm:"type:varchar(32);not null;uniqueIndex:conversations_key,priority:1"`
	UniqueKey *string `gorm:"type:varchar(514);uniqueIndex:conversations_key,priority:2"` // see keys.go; NULL: it may be there twice
	Type      int8    `gorm:"type:smallint;not null"`
	Name      string  `gorm:"type:varchar(512);not null"`
	CreatorID string  `gorm:"type:varchar(36);not null"`
	CreatedAt int64   `gorm:"type:bigint;not null;autoCreateTime:false"`
	Width     int8    `gorm:"type:smallint;not null"`

	Seq       int64 `gorm:"type:bigint;not null"`
	Rev       int64 `gorm:"type:bigint;not null"`
	Counted   int64 `gorm:"type:bigint;not null"`
	SentAt    int64 `gorm:"type:bigint;not null"` // of the last message; later ones are not before it
	ChangedAt int64 `gorm:"type:bigint;not null"` // of the last message, change or membership
	Members   int64 `gorm:"type:bigint;not null"` // 0 for rooms
	Roster    int64 `gorm:"type:bigint;not null"` // rises with every change of who is in it
}

// member is somebody in a conversation, or who was.
type member struct {
	ConversationID string `gorm:"primaryKey;type:varchar(36);index:members_user,priority:2;index:members_from,priority:1"`
	UserID         string `gorm:"primaryKey;type:varchar(36);index:members_user,priority:1"`
	Role           int8   `gorm:"type:smallint;not null"` // 0: has left
	FromSeq        int64  `gorm:"type:bigint;not null;index:members_from,priority:2"`
	FromCount      int64  `gorm:"type:bigint;not null"`
	ReadSeq        int64  `gorm:"type:bigint;not null"`
	ReadCount      int64  `gorm:"type:bigint;not null"`
	JoinedAt       int64  `gorm:"type:bigint;not null"`
	LeftAt         int64  `gorm:"type:bigint;not null"` // 0: is in it
	ChangedAt      int64  `gorm:"type:bigint;not null"` // of the marks or the membership
}

// message is one line.
type message struct {
	ConversationID string  `gorm:"primaryKey;type:varchar(36)"`
	Seq            int64   `gorm:"primaryKey;autoIncrement:false;type:bigint"`
	SenderID       string  `gorm:"type:varchar(36);not null"`
	Kind           int8    `gorm:"type:smallint;not null"`
	Body           string  `gorm:"type:text;not null"`                            // the text; users of a line of the system as JSON
	RequestKey     *string `gorm:"type:varchar(22);uniqueIndex:messages_request"` // hash of conversation, sender and request id; NULL: a line of the system
	RequestID      string  `gorm:"type:varchar(64);not null"`
	BodyHash       string  `gorm:"type:varchar(22);not null"` // of what was asked for under the request id
	Counted        int64   `gorm:"type:bigint;not null"`      // messages up to this one that count
	SentAt         int64   `gorm:"type:bigint;not null"`
	Rev            int64   `gorm:"type:bigint;not null"`   // of the last change; 0: none
	Recalled       int8    `gorm:"type:smallint;not null"` // 1: it was
}

// change is what happened to an older message.
type change struct {
	ConversationID string  `gorm:"primaryKey;type:varchar(36)"`
	Rev            int64   `gorm:"primaryKey;autoIncrement:false;type:bigint"`
	Seq            int64   `gorm:"type:bigint;not null"`
	Kind           int8    `gorm:"type:smallint;not null"`
	ActorID        string  `gorm:"type:varchar(36);not null"`
	RequestKey     *string `gorm:"type:varchar(22);uniqueIndex:changes_request"`
	BodyHash       string  `gorm:"type:varchar(22);not null"`
	ChangedAt      int64   `gorm:"type:bigint;not null"`
}

// request is what was answered to a request id of a user: for 7 days, for everything
// but messages and changes, which keep their own.
type request struct {
	UserID    string `gorm:"primaryKey;type:varchar(36)"`
	RequestID string `gorm:"primaryKey;type:varchar(64)"`
	BodyHash  string `gorm:"type:varchar(22);not null"` // of method and body
	Answer    string `gorm:"type:text;not null"`        // JSON
	ExpiresAt int64  `gorm:"type:bigint;not null;index:requests_expiry"`
}

// outboxRow is what a commit left to be done.
type outboxRow struct {
	ID             int64  `gorm:"primaryKey;autoIncrement:false;type:bigint"` // time and chance, see outbox.go
	ConversationID string `gorm:"type:varchar(36);not null"`
	Kind           int8   `gorm:"type:smallint;not null"`
	Number         int64  `gorm:"type:bigint;not null"` // seq or rev
	Owner          string `gorm:"type:varchar(36);not null"`
	LeaseUntil     int64  `gorm:"type:bigint;not null;index:outbox_lease,priority:2"`
	Fanned         int8   `gorm:"type:smallint;not null;index:outbox_lease,priority:1"`
	Published      int8   `gorm:"type:smallint;not null"`
	CreatedAt      int64  `gorm:"type:bigint;not null;autoCreateTime:false"`
}

// secret is something that all workers must agree on and nobody else may know.
type secret struct {
	Name  string `gorm:"primaryKey;type:varchar(64)"`
	Value string `gorm:"type:varchar(255);not null"`
}

// The names of the tables are said here, so that renaming a type renames nothing.
func (user) TableName() string         { return "users" }
func (family) TableName() string       { return "families" }
func (conversation) TableName() string { return "conversations" }
func (member) TableName() string       { return "members" }
func (message) TableName() string      { return "messages" }
func (change) TableName() string       { return "changes" }
func (request) TableName() string      { return "requests" }
func (outboxRow) TableName() string    { return "outbox" }
func (secret) TableName() string       { return "secrets" }

// tables is all of them, for the drift test.
func tables() []any {
	return []any{&user{}, &family{}, &conversation{}, &member{}, &message{}, &change{}, &request{}, &outboxRow{}, &secret{}}
}
