-- The first tables of the chat, for MariaDB and MySQL. Ids are ASCII, names are compared
-- byte by byte: what is the same name is decided by the program, which folds case.
--
-- These servers commit each statement that makes a table on its own. So each can be
-- repeated: a process that dies in between leaves the rest to the next one.

-- +goose Up
CREATE TABLE IF NOT EXISTS users (
    id              varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    realm           varchar(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    name_key        varchar(256) NOT NULL,
    name            varchar(256) NOT NULL,
    password_hash   varchar(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    request_id      varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at      bigint NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY users_name (realm, name_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS families (
    id              varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    realm           varchar(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id         varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    device          varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    token           varchar(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    last_token      varchar(43) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    last_request    varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    expires_at      bigint NOT NULL,
    revoked_at      bigint NOT NULL,
    created_at      bigint NOT NULL,
    PRIMARY KEY (id),
    KEY families_user (user_id),
    KEY families_expiry (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS conversations (
    id              varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    realm           varchar(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    unique_key      varchar(514) NULL,
    type            smallint NOT NULL,
    name            varchar(512) NOT NULL,
    creator_id      varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    created_at      bigint NOT NULL,
    width           smallint NOT NULL,
    seq             bigint NOT NULL,
    rev             bigint NOT NULL,
    counted         bigint NOT NULL,
    sent_at         bigint NOT NULL,
    changed_at      bigint NOT NULL,
    members         bigint NOT NULL,
    roster          bigint NOT NULL,
    PRIMARY KEY (id),
    UNIQUE KEY conversations_key (realm, unique_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS members (
    conversation_id varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    user_id         varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    role            smallint NOT NULL,
    from_seq        bigint NOT NULL,
    from_count      bigint NOT NULL,
    read_seq        bigint NOT NULL,
    read_count      bigint NOT NULL,
    joined_at       bigint NOT NULL,
    left_at         bigint NOT NULL,
    changed_at      bigint NOT NULL,
    PRIMARY KEY (conversation_id, user_id),
    KEY members_user (user_id, conversation_id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS messages (
    conversation_id varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    seq             bigint NOT NULL,
    sender_id       varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind            smallint NOT NULL,
    body            text NOT NULL,
    request_key     varchar(22) CHARACTER SET ascii COLLATE ascii_bin NULL,
    request_id      varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    body_hash       varchar(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    counted         bigint NOT NULL,
    sent_at         bigint NOT NULL,
    rev             bigint NOT NULL,
    recalled        smallint NOT NULL,
    PRIMARY KEY (conversation_id, seq),
    UNIQUE KEY messages_request (request_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS changes (
    conversation_id varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    rev             bigint NOT NULL,
    seq             bigint NOT NULL,
    kind            smallint NOT NULL,
    actor_id        varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    request_key     varchar(22) CHARACTER SET ascii COLLATE ascii_bin NULL,
    body_hash       varchar(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    changed_at      bigint NOT NULL,
    PRIMARY KEY (conversation_id, rev),
    UNIQUE KEY changes_request (request_key)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS requests (
    user_id         varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    request_id      varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    body_hash       varchar(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    answer          text NOT NULL,
    expires_at      bigint NOT NULL,
    PRIMARY KEY (user_id, request_id),
    KEY requests_expiry (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS outbox (
    id              bigint NOT NULL,
    conversation_id varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    kind            smallint NOT NULL,
    number          bigint NOT NULL,
    owner           varchar(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    lease_until     bigint NOT NULL,
    fanned          smallint NOT NULL,
    published       smallint NOT NULL,
    created_at      bigint NOT NULL,
    PRIMARY KEY (id),
    KEY outbox_lease (fanned, lease_until)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS secrets (
    name            varchar(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    value           varchar(255) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
