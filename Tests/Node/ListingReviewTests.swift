import Binhost
import Cryptography
import Storage
import TestSupport
import Testing
import Trust
import Wire

@testable import Node

private let now = Timestamp(1_795_000_000)
private let day = Duration.seconds(86_400)

@Suite struct ListingReviewTests {
  private let key: SigningKey
  private let stranger: SigningKey

  init() throws {
    key = try #require(SigningKey(seed: [UInt8](repeating: 1, count: 32)))
    stranger = try #require(SigningKey(seed: [UInt8](repeating: 2, count: 32)))
  }

  private func root(_ number: UInt8) throws -> ContentRoot {
    ContentRoot(try #require(Bytes32([UInt8](repeating: number, count: 32))))
  }

  private func statement(
    _ number: UInt8, _ change: (inout BuildStatement) -> Void = { _ in }
  ) throws -> SignedStatement {
    let facts = RequestFixture.facts(version: "1.\(number)")
    var statement = BuildStatement(
      fingerprint: try Fingerprint(of: facts), root: try root(number), size: 4_096,
      md5: [UInt8](repeating: number, count: 16), sha1: [UInt8](repeating: number, count: 20),
      agreement: try root(9).bytes, judged: JudgedFacts(of: facts), buildTime: now - day,
      sequence: 1, created: now - day, expires: now + day)
    change(&statement)
    return try SignedStatement.sign(statement, with: key)
  }

  private func row(_ number: UInt8, _ signed: SignedStatement?) throws -> ListedStatement {
    let fingerprint = try Fingerprint(of: RequestFixture.facts(version: "1.\(number)"))
    let listing = StoredListing(
      path: "app-lab/hello/hello-1.\(number)-1.gpkg.tar", root: try root(number),
      fingerprint: fingerprint.bytes, entry: [], listed: now)
    return ListedStatement(listing: listing, lastUse: now, statement: signed?.encoded)
  }

  private func review(
    _ rows: [ListedStatement], verified: [Bytes32: ListingReview.Judged] = [:],
    isWanted: Bool = true, isHere: Bool = true
  ) -> ListingReview {
    var review = ListingReview(verified: verified, now: now)
    for row in rows {
      review.take(row, isWanted: isWanted, file: { isHere ? "blobs/\($0)" : nil }) { judged in
        judged.issuer == key.publicKey && !judged.isWithdrawn
      }
    }
    return review
  }

  @Test func trustedListingStaysAndOthersGo() throws {
    let rows = try [row(1, statement(1)), row(2, nil), row(3, statement(3))]
    let review = review(rows)
    #expect(review.listings.map(\.file) == [try root(1), try root(3)].map { "blobs/\($0)" })
    #expect(review.gone == [try root(2)])
  }

  @Test func oneOfSeveralStatementsIsEnough() throws {
    let stranger = try SignedStatement.sign(statement(1).statement, with: stranger)
    let rows = try [row(1, stranger), row(1, statement(1)), row(1, stranger)]
    #expect(review(rows).listings.count == 1 && review(rows).gone.isEmpty)
  }

  @Test func strangersForgedAndForeignStatementsDoNotCount() throws {
    var forged = try statement(1).encoded
    forged[forged.count - 1] ^= 1
    let known = try row(1, nil).listing
    let rows = [
      try row(1, SignedStatement.sign(statement(1).statement, with: stranger)),
      ListedStatement(listing: known, lastUse: now, statement: forged),
      ListedStatement(listing: known, lastUse: now, statement: try statement(2).encoded),
    ]
    for row in rows { #expect(review([row]).gone == [known.root]) }
  }

  @Test func unusedAndAbsentFilesGo() throws {
    let rows = try [row(1, statement(1))]
    #expect(review(rows, isWanted: false).listings.isEmpty)
    #expect(review(rows, isHere: false).gone == [try root(1)])
  }

  @Test func onlyMetStatementsAreRememberedAsVerified() throws {
    let first = review(try [row(1, statement(1)), row(2, statement(2))])
    #expect(first.met.count == 2)
    let second = review(try [row(1, statement(1))], verified: first.met)
    #expect(second.met.count == 1 && second.listings.count == 1)
  }

  @Test func futureDatedStatementIsLookedAtAgain() throws {
    let early = review(
      try [
        row(
          1,
          statement(1) {
            $0.created = now + day
            $0.expires = now + day + day
          })
      ])
    #expect(early.listings.isEmpty && early.met.isEmpty)
  }
}
