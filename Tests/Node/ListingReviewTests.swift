import Binhost
import Cryptography
import FoundationEssentials
import Storage
import Testing
import Trust
import Wire

@testable import Node

private let now = NodeSamples.now
private let day = NodeSamples.day

@Suite("What stays listed")
struct ListingReviewTests {
  private func facts(_ number: UInt8) -> PackageFacts {
    NodeSamples.facts(version: "1.\(number)")
  }

  /// What issuer `by` says of the build of version `1.number`, whose file has that root.
  private func statement(
    _ number: UInt8, by issuer: UInt8 = 1, root: UInt8? = nil,
    _ change: (inout BuildStatement) -> Void = { _ in }
  ) throws -> SignedStatement {
    try NodeSamples.signed(facts(number), by: issuer, root: root ?? number, change)
  }

  private func package(
    _ number: UInt8, _ statements: [[UInt8]], used: Timestamp? = now
  ) throws -> ListedPackage {
    let listing = StoredListing(
      path: "app-lab/hello/hello-1.\(number)-1.gpkg.tar", root: NodeSamples.root(number),
      fingerprint: try Fingerprint(of: facts(number)).bytes, entry: [], listed: now)
    return ListedPackage(listing: listing, lastUse: used, statements: statements)
  }

  private func package(_ number: UInt8, _ statements: SignedStatement...) throws -> ListedPackage {
    try package(number, statements.map(\.encoded))
  }

  private func review(
    _ packages: [ListedPackage], list: TrustList? = nil, failed: [FailedCheck] = [],
    known: Set<Bytes32> = [], isHere: Bool = true, at time: Timestamp = now
  ) throws -> ListingReview {
    let basis = ListingReview.Basis(
      list: try list ?? NodeSamples.list(1), host: NodeSamples.host(),
      failed: FailedChecks(failed))
    var review = ListingReview(on: basis, known: known, now: time)
    for package in packages {
      let place = UInt8(package.listing.path.split(separator: "-")[2].dropFirst(2)) ?? 0
      try review.take(package, file: { isHere ? "blobs/\($0)" : nil }) {
        Array(try JSONEncoder().encode(facts(place)))
      }
    }
    return review
  }

  /// Whether a build of issuer 1 stays listed under a changed list.
  private func stays(
    at time: Timestamp = now, _ change: (inout TrustList) throws -> Void
  ) throws -> Bool {
    var list = try NodeSamples.list(1, 2)
    try change(&list)
    let review = try review([package(1, statement(1))], list: list, at: time)
    #expect(review.gone.isEmpty != review.listings.isEmpty)
    return review.gone.isEmpty
  }

  @Test func acceptedPackageStaysAndOthersGo() throws {
    let review = try review([
      package(1, statement(1)), package(2, []), package(3, statement(3)),
    ])
    #expect(review.listings.map(\.file) == [UInt8(1), 3].map { "blobs/\(NodeSamples.root($0))" })
    #expect(review.gone == [NodeSamples.root(2)])
  }

  @Test func narrowedScopeTakesPackagesOffTheList() throws {
    #expect(try stays { _ in })
    #expect(try stays { $0.issuers[0].packages = [try #require(PackagePattern("app-lab/*"))] })
    #expect(try !stays { $0.issuers[0].packages = [try #require(PackagePattern("app-misc/*"))] })
    #expect(try !stays { $0.issuers[0].repositories = ["elsewhere"] })
    #expect(try !stays { $0.issuers[0].architectures = ["arm64"] })
    #expect(try !stays { $0.issuers[0].until = now })
    #expect(try !stays { $0.issuers[0].from = now })
  }

  @Test func endedListAndRemovedOrRevokedIssuersTakePackagesOffTheList() throws {
    #expect(try stays { $0.expires = now + day })
    #expect(try !stays { $0.expires = now })
    #expect(try !stays { $0.issuers = [] })
    for (from, isRevoked) in [(now, true), (now + day, false)] {
      let isListed = try stays { list in
        list.revoke(Revocation(key: list.issuers[0].key, from: from))
      }
      #expect(isListed != isRevoked)
    }
    #expect(try !stays(at: now + day) { _ in }, "the statement ended")
  }

  @Test func stricterPolicyTakesPackagesOffTheList() throws {
    #expect(
      try stays { $0.policies = [TrustPolicy(packages: [.all], rule: .oneOf(["builder-1"]))] })
    #expect(
      try !stays { $0.policies = [TrustPolicy(packages: [.all], rule: .oneOf(["builder-2"]))] })
    #expect(
      try !stays { $0.policies = [TrustPolicy(packages: [.all], rule: .agreeing(2, of: []))] })
  }

  @Test func confirmationMayBeAboutAnotherFile() throws {
    var list = try NodeSamples.list(1, 2)
    list.policies = [TrustPolicy(packages: [.all], rule: .agreeing(2, of: []))]
    let both = try package(1, statement(1), statement(1, by: 2, root: 7))
    #expect(try review([both], list: list).gone.isEmpty)
    let apart = try package(1, statement(1), statement(1, by: 2, root: 7) { $0.agreement = .zero })
    #expect(try review([apart], list: list).listings.isEmpty)
    list.issuers.removeLast()
    #expect(try review([both], list: list).listings.isEmpty)
  }

  @Test func olderBuildStaysBesideAPreferredOne() throws {
    let newer = try statement(1, root: 7)
    let older = try statement(1) { $0.buildTime = now - day - day }
    #expect(try review([package(1, older, newer)]).gone.isEmpty)
    #expect(try review([package(1, newer)]).listings.isEmpty, "nobody vouches for this file")
  }

  @Test func failedClaimsStrangersForgedAndForeignStatementsDoNotCount() throws {
    let mine = try statement(1)
    var forged = mine.encoded
    forged[forged.count - 1] ^= 1
    for bytes in [try statement(1, by: 9).encoded, forged, try statement(2, root: 1).encoded] {
      #expect(try review([package(1, [bytes])]).gone == [NodeSamples.root(1)])
    }
    let check = FailedCheck(
      issuer: mine.issuer.bytes, claim: mine.statement.claim, reason: "SLOT", expires: now + day)
    #expect(try review([package(1, mine)], failed: [check]).listings.isEmpty)
    let withdrawn = try statement(1) { $0 = $0.withdrawn(at: now) }
    #expect(try review([package(1, withdrawn)]).listings.isEmpty)
  }

  @Test func packageStaysThirtyDaysAfterItsLastPlanAndAsLongAsItsFileIsHere() throws {
    let bytes = [try statement(1).encoded]
    func isListed(_ used: Timestamp?, isHere: Bool = true) throws -> Bool {
      try review([package(1, bytes, used: used)], isHere: isHere).gone.isEmpty
    }
    #expect(ListingReview.memory == .seconds(30 * 86_400))
    #expect(try isListed(now - ListingReview.memory + .seconds(1)))
    #expect(try !isListed(now - ListingReview.memory))
    #expect(try !isListed(nil))
    #expect(try !isListed(now, isHere: false))
  }

  @Test func onlyWhatWasAcceptedIsNotJudgedAgain() throws {
    let packages = try [package(1, statement(1)), package(2, statement(2, by: 9))]
    let first = try review(packages)
    #expect(first.accepted.count == 1)
    // On another basis the caller must not hand it over: what is known is taken as accepted.
    let second = try review(packages, list: TrustList(), known: first.accepted)
    #expect(second.accepted == first.accepted && second.listings.count == 1)
    let more = try package(1, statement(1), statement(1, by: 2, root: 7))
    #expect(try review([more], list: TrustList(), known: first.accepted).listings.isEmpty)
  }

  @Test func futureDatedStatementIsLookedAtAgain() throws {
    let early = try statement(1, by: 2, root: 7) {
      $0.created = now + day
      $0.expires = now + day + day
    }
    let alone = try review([package(1, early)])
    #expect(alone.listings.isEmpty && alone.accepted.isEmpty)
    let beside = try review([package(1, statement(1), early)])
    #expect(beside.listings.count == 1 && beside.accepted.isEmpty)
  }

  @Test func factsThatAreNotUnderstoodListNothing() throws {
    let basis = ListingReview.Basis(
      list: try NodeSamples.list(1), host: NodeSamples.host(), failed: FailedChecks([]))
    for bytes in [nil, [], Array("{}".utf8)] as [[UInt8]?] {
      var review = ListingReview(on: basis, known: [], now: now)
      try review.take(package(1, statement(1)), file: { "\($0)" }, facts: { bytes })
      #expect(review.listings.isEmpty)
    }
  }
}
