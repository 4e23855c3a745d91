package pushkeys

import (
	"fmt"
	"strings"

	pushv1 "github.com/parley-im/parley/proto/push/v1"
)

// Roles are what a key is for, as a set.
type Roles uint8

// all are the roles there are: those of the proto.
var all = func() (r Roles) {
	for n := range pushv1.Role_name {
		r |= of(pushv1.Role(n))
	}
	return r
}()

func of(role pushv1.Role) Roles {
	if role == pushv1.Role_ROLE_UNSPECIFIED {
		return 0
	}
	return 1 << (role - 1)
}

// RolesOf makes a set.
func RolesOf(list ...pushv1.Role) (r Roles) {
	for _, role := range list {
		r |= of(role)
	}
	return r
}

// ParseRoles reads names of roles with commas between, as they are in the file.
func ParseRoles(s string) (r Roles, err error) {
	for name := range strings.SplitSeq(s, ",") {
		one := of(pushv1.Role(pushv1.Role_value["ROLE_"+strings.ToUpper(name)]))
		switch {
		case one == 0 || name != strings.ToLower(name):
			return 0, fmt.Errorf("%q is no role: there are %s", name, names(all, ", "))
		case r&one != 0:
			return 0, fmt.Errorf("the role %s is there twice", name)
		}
		r |= one
	}
	return r, nil
}

// May reports whether a key with these roles may call what needs role. What says no role
// is nobody's.
func (r Roles) May(role pushv1.Role) bool {
	need := of(role)
	return need != 0 && r&(need|of(pushv1.Role_ROLE_ADMIN)) != 0
}

// String writes them as ParseRoles reads them.
func (r Roles) String() string { return names(r, ",") }

// names writes roles in the order of the proto.
func names(r Roles, between string) string {
	var list []string
	for n := range int32(len(pushv1.Role_name)) {
		if role := pushv1.Role(n); r&of(role) != 0 {
			list = append(list, strings.ToLower(strings.TrimPrefix(role.String(), "ROLE_")))
		}
	}
	return strings.Join(list, between)
}
