import Cryptography
import Testing
import Wire

@testable import Trust

@Suite("Trust lists") struct TrustListTests {
  @Test func nextChangeIsTheFirstTimeAheadOfAnyBoundOrRevocation() throws {
    let (now, day) = (Samples.now, Samples.day)
    var list = Samples.list([
      Samples.issuer(1) { $0.from = now - day },
      Samples.issuer(2) { $0.until = now + day * 3 },
    ])
    #expect(list.nextChange(after: now) == now + day * 3)
    list.expires = now + day * 2
    #expect(list.nextChange(after: now) == now + day * 2)
    list.revoke(Revocation(key: list.issuers[0].key, from: now + day))
    #expect(list.nextChange(after: now) == now + day)
    #expect(list.nextChange(after: now + day) == now + day * 2)
    #expect(list.nextChange(after: now + day * 3) == nil)
  }

  @Test func aListOlderThanTheLastSeenIsRefused() throws {
    let list = Samples.list { $0.version = 4 }
    try list.check(lastSeen: 4, now: Samples.now)
    #expect(throws: TrustListError.older(version: 4, lastSeen: 5)) {
      try list.check(lastSeen: 5, now: Samples.now)
    }
  }

  @Test func anExpiredListIsRefused() throws {
    let list = Samples.list { $0.expires = Samples.now }
    #expect(throws: TrustListError.expired(Samples.now)) {
      try list.check(lastSeen: 1, now: Samples.now)
    }
    let verdict = list.judge(
      [try Samples.signed()], for: Samples.facts(), host: Samples.host(), now: Samples.now)
    #expect(verdict.rejections.map(\.reason) == [.trustListExpired(Samples.now)])
  }

  @Test func theFirstPolicyThatHoldsAPackageDecides() {
    let policies = [
      TrustPolicy(packages: [pattern("app-lab/cask*")], rule: .own),
      TrustPolicy(packages: [pattern("app-lab/*")], rule: .agreeing(1, of: [])),
    ]
    let list = Samples.list(policies: policies)
    #expect(list.policy(for: Samples.facts(), system: []).rule == .own)
    let other = Samples.facts { $0.package = "hello" }
    #expect(list.policy(for: other, system: []).rule == .agreeing(1, of: []))
    let far = Samples.facts { $0.category = "dev-lab" }
    #expect(list.policy(for: far, system: []).rule == .oneOf([]))
  }

  @Test func systemAndToolchainDefaultToNamedIssuers() {
    let list = Samples.list()
    let system: Set<String> = ["app-lab/caskcat"]
    #expect(list.policy(for: Samples.facts(), system: system).rule == .systemIssuers)
    let compiler = Samples.facts {
      $0.category = "sys-devel"
      $0.package = "gcc"
    }
    #expect(list.policy(for: compiler, system: []).rule == .systemIssuers)
  }

  @Test func patternsMatchByHalves() {
    #expect(pattern("*/*").contains("a/b", system: []))
    #expect(pattern("dev-*/lib*").contains("dev-libs/libfoo", system: []))
    #expect(!pattern("dev-*/lib*").contains("dev-libs/foo", system: []))
    #expect(!pattern("dev-lang/*").contains("dev-lang-x/y", system: []))
    #expect(pattern("a/b+c").contains("a/b+c", system: []))
    for bad in ["", "a", "a/b/c", "/b", "a/", "a b/c", "@world", "a/b:0"] {
      #expect(PackagePattern(bad) == nil, "\(bad)")
    }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func globsMatchASlowModel(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    func word(_ letters: String, _ most: Int) -> String {
      String(
        (0..<Int.random(in: 0...most, using: &random)).map { _ in
          letters.randomElement(using: &random) ?? "a"
        })
    }
    func slow(_ pattern: Substring, _ text: Substring) -> Bool {
      guard let first = pattern.first else { return text.isEmpty }
      if first == "*" {
        return slow(pattern.dropFirst(), text) || (!text.isEmpty && slow(pattern, text.dropFirst()))
      }
      return text.first == first && slow(pattern.dropFirst(), text.dropFirst())
    }
    for _ in 0..<40 {
      let (pattern, text) = (word("ab**", 6), word("ab", 7))
      #expect(Glob.matches(pattern, text) == slow(pattern[...], text[...]), "\(pattern) \(text)")
    }
  }

  typealias Change = @Sendable (inout TrustList) -> Void
  static let mistakes: [(TrustListError.Entry, String, Change)] = [
    (.list, "version", { $0.version = 0 }),
    (.issuer(0), "name", { $0.issuers[0].name = "" }),
    (.issuer(0), "name", { $0.issuers[0].name = "two words" }),
    (.issuer(1), "name", { $0.issuers[1].name = $0.issuers[0].name }),
    (.issuer(1), "key", { $0.issuers[1].key = $0.issuers[0].key }),
    (.issuer(0), "repositories", { $0.issuers[0].repositories = ["gen too"] }),
    (.issuer(0), "architectures", { $0.issuers[0].architectures = [""] }),
    (.issuer(0), "weight", { $0.issuers[0].weight = 0 }),
    (.issuer(0), "weight", { $0.issuers[0].weight = 1_001 }),
    (
      .issuer(0), "until",
      {
        $0.issuers[0].from = Samples.now
        $0.issuers[0].until = Samples.now
      }
    ),
    (.policy(0), "packages", { $0.policies[0].packages = [] }),
    (.policy(0), "issuers", { $0.policies[0].rule = .oneOf(["nobody"]) }),
    (.policy(0), "issuers", { $0.policies[0].rule = .oneOf(["builder-1", "builder-1"]) }),
    (.policy(0), "of", { $0.policies[0].rule = .agreeing(1, of: ["nobody"]) }),
    (.policy(0), "agreeing", { $0.policies[0].rule = .agreeing(0, of: []) }),
    (.policy(0), "agreeing", { $0.policies[0].rule = .agreeing(3, of: []) }),
    (
      .policy(0), "agreeing",
      { $0.policies[0].rule = .agreeing(2, of: ["builder-1"]) }
    ),
  ]

  @Test(arguments: mistakes.indices) func mistakesAreNamedByEntryAndField(row: Int) throws {
    let (entry, field, change) = Self.mistakes[row]
    var list = Samples.list(
      [Samples.issuer(1), Samples.issuer(2)],
      policies: [TrustPolicy(packages: [.all], rule: .agreeing(2, of: []))])
    try list.validate()
    change(&list)
    do {
      try list.validate()
      Issue.record("accepted a wrong \(field)")
    } catch {
      guard case .invalid(let named, let where_, let reason) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(named == entry && where_ == field && !reason.isEmpty)
    }
  }

  @Test func addingAKeySaysWhatItMayDo() {
    let issuer = Samples.issuer(1) {
      $0.repositories = ["gentoo"]
      $0.packages = [pattern("dev-lang/*")]
      $0.until = Timestamp(0)
    }
    #expect(
      issuer.powers.hasPrefix(
        "builder-1 may build dev-lang/* of gentoo until 1970-01-01T00:00:00Z. "))
    #expect(issuer.powers.contains("can act as root on this host"))
    #expect(Samples.issuer(1).powers.contains("every package but @system and @toolchain"))
  }

  @Test func aKeyMayRevokeItselfAndAnOwnerAnyKey() throws {
    var list = Samples.list([Samples.issuer(1), Samples.issuer(2)]) {
      $0.ownKeys = [Samples.key(9).publicKey]
    }
    let target = Revocation(key: Samples.key(1).publicKey, from: Samples.now, reason: "stolen")
    let byOther = try SignedRevocation.sign(target, with: Samples.key(2))
    let refused = list.add(byOther)
    #expect(!refused)
    #expect(list.revocation(of: target.key, at: Samples.now) == nil)
    let bySelf = try SignedRevocation.sign(target, with: Samples.key(1))
    let byOwner = try SignedRevocation.sign(target, with: Samples.key(9))
    var other = list
    let taken = (list.add(bySelf), other.add(byOwner))
    #expect(taken == (true, true))
    #expect(list.revocation(of: target.key, at: Samples.now) == target)
    #expect(list.revocation(of: target.key, at: Samples.now - .seconds(1)) == nil)
    #expect(
      other.keys(at: Samples.now) == [Samples.key(2), Samples.key(9)].map(\.publicKey).sorted())
  }

  @Test func theEarliestRevocationStands() {
    var list = Samples.list()
    let key = Samples.key(1).publicKey
    list.revoke(Revocation(key: key, from: Samples.now))
    list.revoke(Revocation(key: key, from: Samples.now + Samples.day))
    #expect(list.revocations[key]?.from == Samples.now)
    list.revoke(Revocation(key: key, from: Samples.now - Samples.day))
    #expect(list.revocations[key]?.from == Samples.now - Samples.day)
  }

  @Test func revocationsAreVerified() throws {
    let signed = try SignedRevocation.sign(
      Revocation(key: Samples.key(1).publicKey, from: Samples.now, reason: "lost"),
      with: Samples.key(1))
    #expect(try SignedRevocation(verifying: signed.encoded) == signed)
    var altered = signed.encoded
    altered[40] ^= 1
    #expect(throws: SignedRevocation.VerifyError.self) {
      try SignedRevocation(verifying: altered)
    }
    #expect(throws: SignedRevocation.VerifyError.wrongKind) {
      try SignedRevocation(verifying: try Samples.signed().encoded)
    }
    #expect(throws: SignedRevocation.VerifyError.malformed) {
      try SignedRevocation.sign(
        Revocation(
          key: Samples.key(1).publicKey, from: Samples.now,
          reason: String(repeating: "x", count: 201)), with: Samples.key(1))
    }
  }
}

func pattern(_ text: String) -> PackagePattern { PackagePattern(text) ?? .system }
