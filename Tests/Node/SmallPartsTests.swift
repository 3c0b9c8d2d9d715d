import Cryptography
import DHT
import FoundationEssentials
import Storage
import Testing
import Trust
import Wire

@testable import Node

@Suite("What the DHT is told of a statement")
struct StatementValidatorTests {
  private let validator = StatementValidator()
  private let facts = NodeSamples.facts()

  private func rejection(_ bytes: [UInt8], at now: Timestamp = NodeSamples.now) -> RecordRejection?
  {
    do throws(RecordRejection) {
      _ = try validator.validate(bytes, kind: .statement, now: now)
      return nil
    } catch {
      return error
    }
  }

  @Test func slotIsIssuerAndContentRootUnderTheFingerprint() throws {
    let signed = try NodeSamples.signed(facts, by: 3, root: 5)
    let record = try validator.validate(signed.encoded, kind: .statement, now: NodeSamples.now)
    #expect(record.key == (try Fingerprint(of: facts)).bytes)
    #expect(record.publisher == signed.issuer)
    #expect(record.slot == NodeSamples.root(5).bytes)
    #expect(record.sequence == 1)
    #expect(record.expires == signed.statement.expires)
    #expect(record.bytes == signed.encoded)
    #expect(!record.isTombstone)
  }

  @Test func withdrawnStatementIsATombstone() throws {
    let signed = try NodeSamples.signed(facts) { $0 = $0.withdrawn(at: NodeSamples.now) }
    let record = try validator.validate(signed.encoded, kind: .statement, now: NodeSamples.now)
    #expect(record.isTombstone)
    #expect(record.sequence == 2)
  }

  @Test func eachFaultHasItsName() throws {
    let signed = try NodeSamples.signed(facts)
    #expect(rejection([]) == .malformed)
    #expect(rejection(Array(signed.encoded.dropLast())) != nil)
    var forged = signed.encoded
    forged[forged.count - 1] ^= 1
    #expect(rejection(forged) == .badSignature)
    #expect(rejection(signed.encoded, at: signed.statement.expires) == .expired)
    #expect(rejection(signed.encoded, at: signed.statement.created - .seconds(601)) == .futureDated)
    let long = try NodeSamples.signed(facts) { $0.expires = $0.created + .seconds(401 * 86_400) }
    #expect(rejection(long.encoded) == .lifeTooLong)
  }

  @Test func clockMayDifferByTenMinutes() throws {
    let signed = try NodeSamples.signed(facts)
    #expect(rejection(signed.encoded, at: signed.statement.created - .seconds(600)) == nil)
  }
}

@Suite("What peers are asked besides")
struct WiderQuestionTests {
  @Test func neighboursAreAskedForOnlyWhereTheUserWantsToKnowWhy() throws {
    let build = try PlannedBuild(NodeSamples.facts())
    #expect(WiderQuestion(about: [build], neighbours: false).fingerprints == [build.fingerprint])
    let wide = WiderQuestion(about: [build], neighbours: true).fingerprints
    #expect(wide.count == 3)
    #expect(wide.first == build.fingerprint)
  }

  @Test func questionStaysSmallForAWholeWorld() throws {
    let builds = try (0..<300).map { number in
      try PlannedBuild(
        NodeSamples.facts("p\(number)") { facts in facts.use = (0..<40).map { "-flag\($0)" } })
    }
    let question = WiderQuestion(about: builds, neighbours: true)
    let most =
      300 + WiderQuestion.packagesWithNeighbours * WiderQuestion.neighboursPerPackage
    #expect(question.fingerprints.count <= most)
    #expect(Set(question.fingerprints).count == question.fingerprints.count)
  }

  @Test func answerGoesToEveryPackageThatItIsNearTo() throws {
    let plain = NodeSamples.facts { $0.use = ["-doc"] }
    let documented = NodeSamples.facts { $0.use = ["doc"] }
    let builds = [try PlannedBuild(plain), try PlannedBuild(documented)]
    let question = WiderQuestion(about: builds, neighbours: true)
    #expect(question.fingerprints.count == 2)
    let signed = try NodeSamples.signed(plain)
    let answers = question.sorted([builds[0].fingerprint: [signed]])
    #expect(answers == [builds[0].fingerprint: [signed], builds[1].fingerprint: [signed]])
  }

  @Test func answerThatNobodyAskedForIsDropped() throws {
    let question = WiderQuestion(about: [], neighbours: true)
    let signed = try NodeSamples.signed(NodeSamples.facts())
    #expect(question.sorted([signed.statement.fingerprint: [signed]]) == [:])
  }
}

@Suite("Packages of PKGDIR that were judged")
struct SeenPackagesTests {
  @Test func fileIsNewAgainWhenItWasWrittenAnew() async throws {
    try await Scratch.run { scratch in
      let path = "\(scratch.root)/a.gpkg.tar"
      #expect(SeenPackages.Stamp(path: path) == nil)
      try AtomicFile.write([1, 2], to: path, mode: 0o644)
      let first = try #require(SeenPackages.Stamp(path: path))
      var seen = SeenPackages()
      seen.insert(path, first)
      #expect(seen.contains(path, first))
      try AtomicFile.write([1, 2, 3], to: path, mode: 0o644)
      let second = try #require(SeenPackages.Stamp(path: path))
      #expect(!seen.contains(path, second))
      let read = SeenPackages(bytes: seen.bytes)
      #expect(read == seen)
    }
  }

  @Test func whatIsNotUnderstoodIsNothing() {
    #expect(SeenPackages(bytes: [1, 2, 3]) == SeenPackages())
    #expect(SeenPackages(bytes: []) == SeenPackages())
  }
}

@Suite("Files that were refused for publishing")
struct RefusedFilesTests {
  private func refused(_ number: Int) -> PublishOutcome {
    .refused(cpv: "app-lab/hello-\(number)", [.live])
  }

  @Test func newestAreKeptOverARestart() {
    var files = RefusedFiles()
    for number in 0..<25 { files.note(refused(number), of: "/p/\(number)") }
    #expect(files.messages.count == RefusedFiles.capacity)
    #expect(files.messages.first?.hasPrefix("app-lab/hello-5:") == true)
    #expect(RefusedFiles(bytes: files.bytes) == files)
    #expect(RefusedFiles(bytes: [1, 2, 3]) == RefusedFiles())
  }

  @Test func onlyTheLastOutcomeOfAFileCounts() {
    var files = RefusedFiles()
    files.note(refused(1), of: "/p/1")
    files.note(refused(2), of: "/p/2")
    files.note(.unreadable(path: "/p/1", reason: "cut off"), of: "/p/1")
    #expect(files.messages.last == "/p/1: not published: cut off" && files.messages.count == 2)
    files.note(.known(cpv: "app-lab/hello-1"), of: "/p/1")
    #expect(files.messages.count == 1 && files.messages[0].hasPrefix("app-lab/hello-2:"))
  }
}

@Suite("Names of running fetches")
struct FetchNamesTests {
  @Test func nameIsThereAsLongAsOneFetchRuns() async {
    let names = FetchNames()
    let root = NodeSamples.root(1)
    await names.during("app-lab/hello-1.0", of: root) {
      await names.during("another", of: root) {
        #expect(names[root] == "app-lab/hello-1.0")
        #expect(names[NodeSamples.root(2)] == nil)
      }
      #expect(names[root] == "app-lab/hello-1.0")
    }
    #expect(names[root] == nil)
  }

  @Test func failedFetchLeavesNoName() async {
    struct Failed: Error {}
    let names = FetchNames()
    await #expect(throws: Failed.self) {
      try await names.during("a", of: NodeSamples.root(1)) { throw Failed() }
    }
    #expect(names[NodeSamples.root(1)] == nil)
  }
}

@Suite("Descriptions that are kept")
struct DescriptionCacheTests {
  @Test func oldestGoAtTheBound() throws {
    let facts = NodeSamples.facts()
    let description = try JointCheckTests.describe(JointCheckTests.gpkg(facts))
    var cache = DescriptionCache(capacity: 4)
    for number in 1...5 { cache.keep(description, of: NodeSamples.root(UInt8(number))) }
    #expect(cache[NodeSamples.root(1)] == nil)
    #expect(cache[NodeSamples.root(5)] == description)
    for _ in 0..<10 { cache.keep(description, of: NodeSamples.root(5)) }
    #expect(cache[NodeSamples.root(4)] == description)
  }
}

@Suite("Turns")
struct TurnTests {
  private actor Log {
    private(set) var entries: [Int] = []
    private(set) var inside = 0
    private(set) var most = 0

    func enter() {
      inside += 1
      most = max(most, inside)
    }

    func leave(_ number: Int) {
      inside -= 1
      entries.append(number)
    }
  }

  @Test func oneAtATimeAndEverybodyOnce() async {
    let (turn, log) = (Turn(), Log())
    await withTaskGroup(of: Void.self) { tasks in
      for number in 0..<50 {
        tasks.addTask {
          await turn.take {
            await log.enter()
            await Task.yield()
            await log.leave(number)
          }
        }
      }
    }
    #expect(await log.most == 1)
    #expect(await log.entries.sorted() == Array(0..<50))
  }

  @Test func failureLetsTheNextOnePass() async throws {
    struct Failed: Error {}
    let turn = Turn()
    await #expect(throws: Failed.self) { try await turn.take { throw Failed() } }
    #expect(await turn.take { 7 } == 7)
  }
}

@Suite("What a key reaches")
struct AffectedPackagesTests {
  private func stored(_ signed: SignedStatement) -> StoredStatement { StoredStatement(signed) }

  @Test func installedPackagesAreFoundByTheDigestOfTheirFile() throws {
    let signed = try NodeSamples.signed(NodeSamples.facts(), root: 3)
    let digest = String(repeating: "03", count: 16)
    let affected = AffectedPackages(
      statements: [stored(signed)],
      installed: [
        InstalledPackage(cpv: "app-lab/hello-1.0", slot: "0", md5: digest),
        InstalledPackage(
          cpv: "app-lab/other-1.0", slot: "0", md5: String(repeating: "0", count: 32)),
        InstalledPackage(cpv: "app-lab/none-1.0", slot: "0"),
      ], listings: [])
    #expect(affected.installed == ["app-lab/hello-1.0"])
    #expect(affected.known == 1)
    #expect(affected.lines.first == "app-lab/hello-1.0: installed")
    #expect(affected.lines.contains { $0.contains("emerge --oneshot --usepkg=n") })
  }

  @Test func listedBuildsAreNamedByTheirPath() throws {
    let signed = try NodeSamples.signed(NodeSamples.facts(), root: 3)
    let mine = StoredListing(
      path: "a/b/c.gpkg.tar", root: NodeSamples.root(3), fingerprint: .zero, entry: [],
      listed: NodeSamples.now)
    let other = StoredListing(
      path: "x/y/z.gpkg.tar", root: NodeSamples.root(4), fingerprint: .zero, entry: [],
      listed: NodeSamples.now)
    let affected = AffectedPackages(
      statements: [stored(signed)], installed: [], listings: [other, mine])
    #expect(affected.listed == ["a/b/c.gpkg.tar"])
  }

  @Test func nothingIsSaidPlainly() {
    let affected = AffectedPackages(statements: [], installed: [], listings: [])
    #expect(affected.lines.first == "nothing here comes from this key")
  }
}

@Suite("Advice on a plan's options")
struct PlanAdviceTests {
  private func isWarned(_ words: String, defaults: String = "") -> Bool {
    let arguments = words.split(separator: " ").map(String.init)
    return !PlanAdvice.notes(on: arguments, defaults: defaults).isEmpty
  }

  @Test func comparedBuildDependenciesAreWarnedOf() {
    #expect(isWarned("--with-bdeps=y @world"))
    #expect(isWarned("--with-bdeps y @world"))
    #expect(isWarned("@world", defaults: "--ask --with-bdeps=y"))
    #expect(!isWarned("-uDN @world"))
    #expect(!isWarned("--with-bdeps=n @world"))
  }

  @Test func theLastWordCounts() {
    #expect(!isWarned("--with-bdeps=n x/y", defaults: "--with-bdeps=y"))
    #expect(isWarned("--with-bdeps=n --with-bdeps y x/y"))
    #expect(!isWarned("x/y --with-bdeps"))
  }
}
