package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/parley-im/parley/proto/fault"
)

// TestErrorsHaveClasses is the table of what drivers may answer, and what it means.
func TestErrorsHaveClasses(t *testing.T) {
	pg := func(code string) error { return &pgconn.PgError{Code: code} }
	my := func(number uint16) error { return &mysql.MySQLError{Number: number} }
	for _, test := range []struct {
		dialect dialect
		name    string
		err     error
		want    class
	}{
		{postgres{}, "unique_violation", pg("23505"), duplicate},
		{postgres{}, "serialization_failure", pg("40001"), collision},
		{postgres{}, "deadlock_detected", pg("40P01"), collision},
		{postgres{}, "cached plan must not change result type", &pgconn.PgError{Code: "0A000", Routine: "RevalidateCachedQuery"}, collision},
		{postgres{}, "feature_not_supported", pg("0A000"), unknown},
		{postgres{}, "statement_completion_unknown", pg("40003"), away},
		{postgres{}, "lock_not_available", pg("55P03"), away},
		{postgres{}, "query_canceled", pg("57014"), away},
		{postgres{}, "idle_in_transaction_session_timeout", pg("25P03"), away},
		{postgres{}, "transaction_timeout", pg("25P04"), away},
		{postgres{}, "in_failed_sql_transaction", pg("25P02"), away},
		{postgres{}, "read_only_sql_transaction", pg("25006"), away},
		{postgres{}, "connection_failure", pg("08006"), away},
		{postgres{}, "too_many_connections", pg("53300"), away},
		{postgres{}, "disk_full", pg("53100"), away},
		{postgres{}, "admin_shutdown", pg("57P01"), away},
		{postgres{}, "cannot_connect_now", pg("57P03"), away},
		{postgres{}, "io_error", pg("58030"), away},
		{postgres{}, "conn closed", pgconn.ErrConnClosed, away},
		{postgres{}, "syntax_error", pg("42601"), unknown},
		{postgres{}, "invalid_password", pg("28P01"), unknown},
		{postgres{}, "invalid_catalog_name", pg("3D000"), unknown},
		{postgres{}, "not_null_violation", pg("23502"), unknown},
		{postgres{}, "no code", pg(""), unknown},

		{&maria{}, "ER_DUP_ENTRY", my(1062), duplicate},
		{&maria{}, "ER_LOCK_DEADLOCK", my(1213), collision},
		{&maria{}, "ER_CHECKREAD", my(1020), collision},
		{&maria{}, "ER_TRANSACTION_ROLLBACK_DURING_COMMIT", my(3101), collision},
		{&maria{}, "ER_LOCK_WAIT_TIMEOUT", my(1205), away},
		{&maria{}, "ER_STATEMENT_TIMEOUT", my(1969), away},
		{&maria{}, "ER_QUERY_TIMEOUT", my(3024), away},
		{&maria{}, "ER_QUERY_INTERRUPTED", my(1317), away},
		{&maria{}, "ER_CON_COUNT_ERROR", my(1040), away},
		{&maria{}, "ER_TOO_MANY_USER_CONNECTIONS", my(1203), away},
		{&maria{}, "ER_USER_LIMIT_REACHED", my(1226), away},
		{&maria{}, "ER_CONNECTION_KILLED", my(1927), away},
		{&maria{}, "ER_SERVER_SHUTDOWN", my(1053), away},
		{&maria{}, "ER_CLIENT_INTERACTION_TIMEOUT", my(4031), away},
		{&maria{}, "ER_UNKNOWN_COM_ERROR", my(1047), away},
		{&maria{}, "ER_ERROR_DURING_COMMIT", my(1180), away},
		{&maria{}, "ER_DISK_FULL", my(1021), away},
		{&maria{}, "ER_RECORD_FILE_FULL", my(1114), away},
		{&maria{}, "ER_OPTION_PREVENTS_STATEMENT", my(1290), away},
		{&maria{}, "ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION", my(1792), away},
		{&maria{}, "invalid connection", mysql.ErrInvalidConn, away},
		{&maria{}, "ER_PARSE_ERROR", my(1064), unknown},
		{&maria{}, "ER_ACCESS_DENIED_ERROR", my(1045), unknown},
		{&maria{}, "ER_BAD_DB_ERROR", my(1049), unknown},
		{&maria{}, "ER_DATA_TOO_LONG", my(1406), unknown},

		{lite{}, "what all drivers share", fmt.Errorf("wrapped: %w", driver.ErrBadConn), away},
		{lite{}, "connection is already closed", sql.ErrConnDone, away},
		{lite{}, "transaction has ended", sql.ErrTxDone, away},
		{lite{}, "EOF", io.EOF, away},
		{lite{}, "unexpected EOF", io.ErrUnexpectedEOF, away},
		{lite{}, "closed socket", net.ErrClosed, away},
		{lite{}, "refused", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, away},
		{lite{}, "reset", syscall.ECONNRESET, away},
		{lite{}, "no such host", &net.DNSError{Err: "no such host"}, away},
		{lite{}, "deadline", context.DeadlineExceeded, away},
		{lite{}, "canceled", context.Canceled, away},
		{lite{}, "gorm's duplicate", gorm.ErrDuplicatedKey, duplicate},
		{lite{}, "ours", errors.Join(errAgain, gorm.ErrDuplicatedKey), collision},
		{lite{}, "something else", errors.New("something else"), unknown},
		{lite{}, "nothing", nil, unknown},
	} {
		s := &Store{dialect: test.dialect}
		if got := s.class(test.err); got != test.want {
			t.Errorf("%s: %s: class %d, want %d", test.dialect.name(), test.name, got, test.want)
		}
	}
}

func TestCodesOfSQLiteHaveClasses(t *testing.T) {
	for code, want := range map[int]class{
		sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: duplicate,
		sqlite3.SQLITE_CONSTRAINT_UNIQUE:     duplicate,
		sqlite3.SQLITE_CONSTRAINT_NOTNULL:    unknown,
		sqlite3.SQLITE_BUSY:                  busy,
		sqlite3.SQLITE_BUSY_TIMEOUT:          busy,
		sqlite3.SQLITE_BUSY_SNAPSHOT:         collision,
		sqlite3.SQLITE_LOCKED_SHAREDCACHE:    away,
		sqlite3.SQLITE_FULL:                  away,
		sqlite3.SQLITE_IOERR_FSYNC:           away,
		sqlite3.SQLITE_CANTOPEN:              away,
		sqlite3.SQLITE_READONLY_DBMOVED:      away,
		sqlite3.SQLITE_INTERRUPT:             away,
		sqlite3.SQLITE_ERROR:                 unknown,
		sqlite3.SQLITE_CORRUPT:               unknown,
		sqlite3.SQLITE_MISMATCH:              unknown,
	} {
		if got := sqliteClass(code); got != want {
			t.Errorf("%d: class %d, want %d", code, got, want)
		}
	}
}

func TestErrorsLeaveWithACode(t *testing.T) {
	s := &Store{dialect: postgres{}}
	ours := fault.New(fault.Conflict, "taken")
	for _, test := range []struct {
		err  error
		want fault.Code
	}{
		{ours, fault.Conflict},
		{fmt.Errorf("wrapped: %w", ours), fault.Conflict},
		{&pgconn.PgError{Code: "57P01"}, fault.Unavailable},
		{&pgconn.PgError{Code: "40P01"}, fault.Unavailable}, // still, after all tries
		{&pgconn.PgError{Code: "23505"}, fault.Internal},
		{&pgconn.PgError{Code: "42601"}, fault.Internal},
	} {
		err := s.fault("do it", test.err)
		if got := fault.CodeOf(err); got != test.want {
			t.Errorf("%v: %v, want %v", test.err, got, test.want)
		}
		if !errors.Is(err, test.err) {
			t.Errorf("%v: the cause is lost", test.err)
		}
		if test.want == fault.Unavailable && (!fault.CodeOf(err).Temporary() || strings.Contains(fault.Of(err).Message(), "SQLSTATE")) {
			t.Errorf("%v: the client is told %v", test.err, fault.Of(err))
		}
	}
}

func TestSettingsOfSessions(t *testing.T) {
	mariadb := settings("10.11.6-MariaDB-0+deb12u1", map[string]string{"max_statement_time": "9", "time_zone": "'+08:00'"})
	mysql := settings("8.4.3", nil)
	for name, want := range map[string]string{"tx_isolation": "'READ-COMMITTED'", "idle_transaction_timeout": "1", "innodb_lock_wait_timeout": "5", "max_statement_time": "9", "time_zone": "'+00:00'", "wait_timeout": ""} {
		if mariadb[name] != want {
			t.Errorf("MariaDB: %s is %q, want %q", name, mariadb[name], want)
		}
	}
	for name, want := range map[string]string{"transaction_isolation": "'READ-COMMITTED'", "wait_timeout": "5", "innodb_lock_wait_timeout": "5", "max_execution_time": "5000", "time_zone": "'+00:00'", "max_statement_time": "", "tx_isolation": ""} {
		if mysql[name] != want {
			t.Errorf("MySQL: %s is %q, want %q", name, mysql[name], want)
		}
	}
}
