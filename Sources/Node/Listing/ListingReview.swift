import Binhost
import Cryptography
import FoundationEssentials
import Portage
import Storage
import Trust
import Wire

/// Goes over what is listed and parts it into what stays and what goes.
struct ListingReview: Sendable {
  /// What counts of a statement whose signature is good.
  struct Judged: Sendable, Equatable {
    let issuer: PublicKey
    let isWithdrawn: Bool
  }

  /// What may be offered, in the order of the paths.
  private(set) var listings: [BinhostListing] = []
  /// The files that are not to be offered any more.
  var gone: [ContentRoot] { candidates.filter { !$0.isListed }.map(\.root) }
  /// The statements met that are good, by the digest of their signed bytes.
  private(set) var met: [Bytes32: Judged] = [:]

  private var candidates: [(root: ContentRoot, isListed: Bool)] = []
  private var path: String?
  private let verified: [Bytes32: Judged]
  private let now: Timestamp

  /// A review at `now` that does not verify again what is in `verified`.
  init(verified: [Bytes32: Judged], now: Timestamp) {
    self.verified = verified
    self.now = now
  }

  /// Takes the next row; those of one listing follow one another.
  mutating func take(
    _ row: ListedStatement, isWanted: Bool, file: (ContentRoot) -> String?,
    isTrusted: (Judged) -> Bool
  ) {
    let listing = row.listing
    if path != listing.path {
      path = listing.path
      candidates.append((listing.root, false))
    }
    let last = candidates.count - 1
    guard let judged = judge(row), isWanted, !candidates[last].isListed, isTrusted(judged),
      let file = file(listing.root)
    else { return }
    candidates[last].isListed = true
    listings.append(BinhostListing(entry: PrintedEntry(lines: listing.entry), file: file))
  }

  /// What the row's statement says about the row's file; nil unless its signature is good.
  private mutating func judge(_ row: ListedStatement) -> Judged? {
    guard let bytes = row.statement else { return nil }
    let digest = BLAKE2b.hash256(bytes)
    if let known = verified[digest] ?? met[digest] {
      met[digest] = known
      return known
    }
    guard let signed = try? SignedStatement(verifying: bytes, now: now),
      signed.statement.root == row.listing.root,
      signed.statement.fingerprint.bytes == row.listing.fingerprint
    else { return nil }
    let judged = Judged(issuer: signed.issuer, isWithdrawn: signed.statement.isWithdrawn)
    met[digest] = judged
    return judged
  }
}
