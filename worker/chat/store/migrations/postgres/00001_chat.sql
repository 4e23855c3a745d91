-- The first tables of the chat, for PostgreSQL. Everything is compared byte by byte ("C"):
-- what is the same name is decided by the program, which folds case. Pages of the rows that
-- every message changes are left some room: the new version of a row then stays on its page,
-- the indexes as they are, and there is a fifth as much to log.

-- +goose Up
CREATE TABLE users (
    id              varchar(36) COLLATE "C" NOT NULL,
    realm           varchar(32) COLLATE "C" NOT NULL,
    name_key        varchar(256) COLLATE "C" NOT NULL,
    name            varchar(256) COLLATE "C" NOT NULL,
    password_hash   varchar(255) COLLATE "C" NOT NULL,
    request_id      varchar(64) COLLATE "C" NOT NULL,
    created_at      bigint NOT NULL,
    PRIMARY KEY (id)
);
CREATE UNIQUE INDEX users_name ON users (realm, name_key);

CREATE TABLE families (
    id              varchar(36) COLLATE "C" NOT NULL,
    realm           varchar(32) COLLATE "C" NOT NULL,
    user_id         varchar(36) COLLATE "C" NOT NULL,
    device          varchar(64) COLLATE "C" NOT NULL,
    token           varchar(43) COLLATE "C" NOT NULL,
    last_token      varchar(43) COLLATE "C" NOT NULL,
    last_request    varchar(64) COLLATE "C" NOT NULL,
    expires_at      bigint NOT NULL,
    revoked_at      bigint NOT NULL,
    created_at      bigint NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX families_user ON families (user_id);
CREATE INDEX families_expiry ON families (expires_at);

CREATE TABLE conversations (
    id              varchar(36) COLLATE "C" NOT NULL,
    realm           varchar(32) COLLATE "C" NOT NULL,
    unique_key      varchar(514) COLLATE "C" NULL,
    type            smallint NOT NULL,
    name            varchar(512) COLLATE "C" NOT NULL,
    creator_id      varchar(36) COLLATE "C" NOT NULL,
    created_at      bigint NOT NULL,
    width           smallint NOT NULL,
    seq             bigint NOT NULL,
    rev             bigint NOT NULL,
    counted         bigint NOT NULL,
    sent_at         bigint NOT NULL,
    changed_at      bigint NOT NULL,
    members         bigint NOT NULL,
    roster          bigint NOT NULL,
    PRIMARY KEY (id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX conversations_key ON conversations (realm, unique_key);

CREATE TABLE members (
    conversation_id varchar(36) COLLATE "C" NOT NULL,
    user_id         varchar(36) COLLATE "C" NOT NULL,
    role            smallint NOT NULL,
    from_seq        bigint NOT NULL,
    from_count      bigint NOT NULL,
    read_seq        bigint NOT NULL,
    read_count      bigint NOT NULL,
    joined_at       bigint NOT NULL,
    left_at         bigint NOT NULL,
    changed_at      bigint NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
) WITH (fillfactor = 70);
CREATE INDEX members_user ON members (user_id, conversation_id);

CREATE TABLE messages (
    conversation_id varchar(36) COLLATE "C" NOT NULL,
    seq             bigint NOT NULL,
    sender_id       varchar(36) COLLATE "C" NOT NULL,
    kind            smallint NOT NULL,
    body            text NOT NULL,
    request_key     varchar(22) COLLATE "C" NULL,
    request_id      varchar(64) COLLATE "C" NOT NULL,
    body_hash       varchar(22) COLLATE "C" NOT NULL,
    counted         bigint NOT NULL,
    sent_at         bigint NOT NULL,
    rev             bigint NOT NULL,
    recalled        smallint NOT NULL,
    PRIMARY KEY (conversation_id, seq)
);
CREATE UNIQUE INDEX messages_request ON messages (request_key);

CREATE TABLE changes (
    conversation_id varchar(36) COLLATE "C" NOT NULL,
    rev             bigint NOT NULL,
    seq             bigint NOT NULL,
    kind            smallint NOT NULL,
    actor_id        varchar(36) COLLATE "C" NOT NULL,
    request_key     varchar(22) COLLATE "C" NULL,
    body_hash       varchar(22) COLLATE "C" NOT NULL,
    changed_at      bigint NOT NULL,
    PRIMARY KEY (conversation_id, rev)
);
CREATE UNIQUE INDEX changes_request ON changes (request_key);

CREATE TABLE requests (
    user_id         varchar(36) COLLATE "C" NOT NULL,
    request_id      varchar(64) COLLATE "C" NOT NULL,
    body_hash       varchar(22) COLLATE "C" NOT NULL,
    answer          text NOT NULL,
    expires_at      bigint NOT NULL,
    PRIMARY KEY (user_id, request_id)
);
CREATE INDEX requests_expiry ON requests (expires_at);

CREATE TABLE outbox (
    id              bigint NOT NULL,
    conversation_id varchar(36) COLLATE "C" NOT NULL,
    kind            smallint NOT NULL,
    number          bigint NOT NULL,
    owner           varchar(36) COLLATE "C" NOT NULL,
    lease_until     bigint NOT NULL,
    fanned          smallint NOT NULL,
    published       smallint NOT NULL,
    created_at      bigint NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX outbox_lease ON outbox (fanned, lease_until);

CREATE TABLE secrets (
    name            varchar(64) COLLATE "C" NOT NULL,
    value           varchar(255) COLLATE "C" NOT NULL,
    PRIMARY KEY (name)
);
