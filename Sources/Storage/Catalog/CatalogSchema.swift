import GRDB

/// The tables of the catalog, by migrations that are never changed once released.
///
/// Digests and keys are 32-byte blobs, times Unix seconds.
enum CatalogSchema {
  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 what a node knows") { database in
      try database.execute(sql: node)
    }
    migrator.registerMigration("2 build jobs") { database in
      try database.execute(sql: jobs)
    }
    migrator.registerMigration("3 failed checks, facts of what is listed") { database in
      try database.execute(sql: checks)
    }
    return migrator
  }

  private static let node = """
    CREATE TABLE blobs (
      root BLOB PRIMARY KEY, size INTEGER NOT NULL, added INTEGER NOT NULL,
      last_use INTEGER NOT NULL, pinned INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE INDEX blobs_by_use ON blobs (pinned, last_use);
    CREATE TABLE statements (
      fingerprint BLOB NOT NULL, issuer BLOB NOT NULL, root BLOB NOT NULL,
      sequence INTEGER NOT NULL, expires INTEGER NOT NULL, encoded BLOB NOT NULL,
      PRIMARY KEY (fingerprint, issuer, root)
    ) WITHOUT ROWID;
    CREATE INDEX statements_by_root ON statements (root);
    CREATE INDEX statements_by_issuer ON statements (issuer);
    CREATE INDEX statements_by_end ON statements (expires);
    CREATE TABLE own_builds (
      root BLOB PRIMARY KEY, fingerprint BLOB NOT NULL, cpv TEXT NOT NULL, path TEXT NOT NULL,
      facts BLOB NOT NULL, statement BLOB NOT NULL, published INTEGER NOT NULL,
      expires INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX own_builds_by_end ON own_builds (expires);
    CREATE TABLE listings (
      path TEXT PRIMARY KEY, root BLOB NOT NULL, fingerprint BLOB NOT NULL, entry BLOB NOT NULL,
      listed INTEGER NOT NULL, delisted INTEGER
    ) WITHOUT ROWID;
    CREATE INDEX listings_by_root ON listings (root);
    CREATE TABLE notices (
      id INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint BLOB NOT NULL, cpv TEXT NOT NULL,
      outcome TEXT NOT NULL, message TEXT NOT NULL, created INTEGER NOT NULL,
      shown INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE issuer_faults (
      issuer BLOB PRIMARY KEY, faults INTEGER NOT NULL, last INTEGER NOT NULL, reason TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE states (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    """

  // What was listed before has no facts, so it stays off the list until the next plan asks for it.
  private static let checks = """
    CREATE TABLE failed_checks (
      id INTEGER PRIMARY KEY AUTOINCREMENT, issuer BLOB NOT NULL, claim BLOB NOT NULL,
      reason TEXT NOT NULL, expires INTEGER NOT NULL, UNIQUE (issuer, claim)
    );
    CREATE TABLE listed_facts (path TEXT PRIMARY KEY, facts BLOB NOT NULL) WITHOUT ROWID;
    """

  private static let jobs = """
    CREATE TABLE jobs (
      fingerprint BLOB PRIMARY KEY, revision INTEGER NOT NULL, phase TEXT NOT NULL,
      priority INTEGER NOT NULL, submitted INTEGER NOT NULL, due INTEGER, body BLOB NOT NULL
    );
    CREATE INDEX jobs_by_phase ON jobs (phase, priority DESC, submitted, fingerprint);
    CREATE INDEX jobs_by_due ON jobs (phase, due);
    CREATE TABLE waiters (
      fingerprint BLOB NOT NULL, owner TEXT NOT NULL, batch TEXT NOT NULL, since INTEGER NOT NULL,
      PRIMARY KEY (fingerprint, owner, batch)
    ) WITHOUT ROWID;
    CREATE INDEX waiters_by_owner ON waiters (owner, batch, since);
    CREATE TABLE rings (
      id INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint BLOB NOT NULL, priority INTEGER NOT NULL,
      attempt INTEGER NOT NULL, visible INTEGER NOT NULL, deliveries INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX rings_by_time ON rings (visible);
    """
}
