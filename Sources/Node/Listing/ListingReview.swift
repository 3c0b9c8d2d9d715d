import Binhost
import Cryptography
import FoundationEssentials
import Portage
import Storage
import Trust
import Wire

/// Goes over what is listed and parts it into what stays and what goes.
///
/// A package stays while the trust list accepts a statement about its file for what was planned, and a
/// plan asked for it or it was fetched within `memory`.
struct ListingReview: Sendable {
  /// What the verdicts follow from besides the statements: as long as it is the same, so are they.
  struct Basis: Sendable, Equatable {
    /// The trust list in force.
    let list: TrustList
    /// The host that the packages are listed for.
    let host: HostFacts
    /// The claims that failed their check.
    let failed: FailedChecks
  }

  /// How long a package stays that no plan asks for again.
  static let memory = Duration.seconds(30 * 86_400)

  /// What may be offered, in the order of the paths.
  private(set) var listings: [BinhostListing] = []
  /// The files that are not to be offered any more.
  private(set) var gone: [ContentRoot] = []
  /// The digests of the packages that were accepted, statements included, for the next review.
  private(set) var accepted: Set<Bytes32> = []

  private let basis: Basis
  private let known: Set<Bytes32>
  private let now: Timestamp

  /// A review at `now` that does not judge again what is in `known`, which was accepted on this basis.
  init(on basis: Basis, known: Set<Bytes32>, now: Timestamp) {
    self.basis = basis
    self.known = known
    self.now = now
  }

  /// Takes the next package; `file` is where its blob lies, `facts` reads what it was planned with.
  mutating func take(
    _ package: ListedPackage, file: (ContentRoot) -> String?, facts: () throws -> [UInt8]?
  ) rethrows {
    let listing = package.listing
    let isWanted = package.lastUse.map { $0 + Self.memory > now } ?? false
    guard isWanted, let file = file(listing.root), try isAccepted(package, facts) else {
      return gone.append(listing.root)
    }
    listings.append(BinhostListing(entry: PrintedEntry(lines: listing.entry), file: file))
  }

  private mutating func isAccepted(
    _ package: ListedPackage, _ facts: () throws -> [UInt8]?
  ) rethrows -> Bool {
    let digest = Self.digest(of: package)
    if known.contains(digest) {
      accepted.insert(digest)
      return true
    }
    guard let bytes = try facts(),
      let planned = try? JSONDecoder().decode(PackageFacts.self, from: Data(bytes))
    else { return false }
    let statements = package.statements.compactMap { try? SignedStatement(verifying: $0) }
    let verdict = basis.list.judge(
      statements, for: planned, host: basis.host, now: now, failed: basis.failed.among(statements))
    let isAccepted = verdict.acceptable.contains { statement in
      statement.statement.root == package.listing.root
        && statement.statement.fingerprint.bytes == package.listing.fingerprint
    }
    // What is dated in the future may count later, so it is looked at again.
    let isLasting = statements.allSatisfy { $0.problem(at: now) == nil }
    if isAccepted, isLasting { accepted.insert(digest) }
    return isAccepted
  }

  private static func digest(of package: ListedPackage) -> Bytes32 {
    var bytes = package.listing.root.bytes.bytes + package.listing.fingerprint.bytes
    for statement in package.statements { bytes += BLAKE2b.hash256(statement).bytes }
    return BLAKE2b.hash256(bytes)
  }
}
