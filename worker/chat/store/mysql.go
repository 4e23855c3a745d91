package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// maria is MariaDB or MySQL.
type maria struct {
	config *mysql.Config
	conns  int
}

func newMySQL(u *url.URL, conns int) (dialect, error) {
	c := mysql.NewConfig()
	c.Net, c.Addr, c.DBName = "tcp", u.Host, strings.TrimPrefix(u.Path, "/")
	if u.Port() == "" {
		c.Addr = u.Host + ":3306"
	}
	if c.DBName == "" {
		return nil, errors.New("database: mysql: which database? mysql://user@host/name")
	}
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.InterpolateParams = true // one round trip per statement, not three
	c.ClientFoundRows = false  // RowsAffected are rows that changed: conditional updates count them
	c.ParseTime, c.Loc = true, time.UTC
	c.Timeout, c.ReadTimeout, c.WriteTimeout = timeLimit, 2*timeLimit, 2*timeLimit
	c.Collation = "utf8mb4_bin"
	c.Logger = &mysql.NopLogger{} // it would tell of each lost connection: the error does
	for name, values := range u.Query() {
		switch {
		case name == "tls":
			c.TLSConfig = values[0]
		case c.Params == nil:
			c.Params = map[string]string{name: values[0]}
		default:
			c.Params[name] = values[0]
		}
	}
	if _, err := mysql.NewConnector(c); err != nil {
		return nil, errors.New("database: mysql: " + err.Error())
	}
	return &maria{c, conns}, nil
}

func (*maria) name() string    { return "mysql" }
func (d *maria) where() string { return fmt.Sprintf("mysql://%s/%s", d.config.Addr, d.config.DBName) }

// open asks the server what it is and gives each session its settings.
func (d *maria) open(ctx context.Context) (write, read *sql.DB, err error) {
	version, err := d.version(ctx)
	if err != nil {
		return nil, nil, err
	}
	config := d.config.Clone()
	config.Params = settings(version, d.config.Params)
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(d.conns)
	db.SetMaxIdleConns(d.conns)
	db.SetConnMaxLifetime(10 * time.Minute) // servers and what is in between end old ones
	if _, idle := config.Params["wait_timeout"]; idle {
		db.SetConnMaxIdleTime(timeLimit / 2) // ours, before the server's own
	}
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, nil, err
	}
	return db, db, nil
}

// settings are those of a session: what was given in the URL, and ours where nothing was.
func settings(version string, given map[string]string) map[string]string {
	seconds := strconv.Itoa(int(timeLimit.Seconds()))
	all := map[string]string{
		"innodb_lock_wait_timeout": seconds, // for rows
		"lock_wait_timeout":        seconds, // for tables, which a migration may change
	}
	if strings.Contains(version, "MariaDB") {
		all["tx_isolation"] = "'READ-COMMITTED'"
		all["max_statement_time"] = seconds
		all["idle_transaction_timeout"] = strconv.Itoa(int(stillLimit.Seconds()))
	} else {
		all["transaction_isolation"] = "'READ-COMMITTED'"
		all["max_execution_time"] = strconv.FormatInt(timeLimit.Milliseconds(), 10) // of a SELECT; there is none for what writes
		// MySQL has no limit for an idle transaction, but one for an idle connection, be it
		// in a transaction or not.
		all["wait_timeout"] = seconds
	}
	maps.Copy(all, given)
	// The clock is asked for as a local time, of which there are two when summer ends.
	all["time_zone"] = "'+00:00'"
	return all
}

func (d *maria) version(ctx context.Context) (version string, err error) {
	connector, err := mysql.NewConnector(d.config)
	if err != nil {
		return "", err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	err = db.QueryRowContext(ctx, "SELECT VERSION()").Scan(&version)
	return version, err
}

func (*maria) gorm(db *sql.DB) gorm.Dialector {
	return gormmysql.New(gormmysql.Config{Conn: db, DefaultStringSize: 255})
}

func (*maria) now() string { return "CAST(UNIX_TIMESTAMP(SYSDATE(3)) * 1000 AS SIGNED)" }

func (*maria) locks() bool { return true }

// mysqlClasses are the errors of the server that are no mistake of ours.
var mysqlClasses = map[uint16]class{
	1062: duplicate,

	1020: collision, // the row was changed since it was read
	1213: collision, // deadlock
	3101: collision, // another node of the cluster was faster

	// Connections: too many, lost, refused, ended by an operator, shutting down.
	1040: away, 1041: away, 1042: away, 1043: away, 1047: away, 1053: away, 1077: away, 1079: away, 1080: away,
	1129: away, 1152: away, 1153: away, 1158: away, 1159: away, 1160: away, 1161: away, 1184: away, 1203: away, 1226: away,
	1927: away, 3169: away, 4031: away,
	// Time: a wait for a lock, a statement.
	1205: away, 1317: away, 1969: away, 3024: away,
	// The disk, and what an operator forbids for a while; 1180 is a commit that failed.
	1021: away, 1026: away, 1030: away, 1114: away, 1180: away, 1223: away, 1290: away, 1637: away, 1792: away, 1836: away,
}

func (*maria) class(err error) class {
	if errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, mysql.ErrPktSync) || errors.Is(err, mysql.ErrMalformPkt) {
		return away
	}
	if e, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return mysqlClasses[e.Number]
	}
	return unknown
}

// patient has no limits of the session, nor of the driver.
func (d *maria) patient() (*sql.DB, error) {
	config := d.config.Clone()
	config.ReadTimeout, config.WriteTimeout = 0, 0
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func (*maria) migrations() (goose.Dialect, fs.FS, lock.SessionLocker, error) {
	steps, err := fs.Sub(migrations, "migrations/mysql")
	return goose.DialectMySQL, steps, namedLock{}, err
}

// namedLock keeps two processes from migrating one database at the same time. The
// server gives it back when the connection ends.
type namedLock struct{}

func (namedLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	var got sql.NullInt64
	err := conn.QueryRowContext(ctx, "SELECT GET_LOCK(CONCAT(DATABASE(), '.parley'), ?)", int(migrateWait.Seconds())).Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = errors.New("another process migrates this database, and has not come to an end")
	}
	return err
}

func (namedLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "DO RELEASE_LOCK(CONCAT(DATABASE(), '.parley'))")
	return err
}
