import Binhost
import Glibc
import Portage

/// How long the binhost's index takes that lists as many packages as Gentoo's own binhosts do.
///
/// `bench-index DIRECTORY [PACKAGES]` makes that many files that stand for blobs, publishes all of
/// them, and then publishes again and again with one more package. The last line reads
/// `seconds: X rss_mb: Y`: the median of the later publications, and the most memory that the process
/// ever had, the listings included.
@main
struct IndexBenchmark {
  let directory: String
  let count: Int

  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count > 1 else {
      print("usage: bench-index DIRECTORY [PACKAGES]")
      exit(2)
    }
    let count = arguments.count > 2 ? Int(arguments[2]) : 20_000
    try await IndexBenchmark(directory: arguments[1], count: count ?? 20_000).run()
  }

  private static let rounds = 5

  private func run() async throws {
    let binhost = try BinhostDirectory(path: directory + "/binhost")
    var listings: [BinhostListing] = []
    listings.reserveCapacity(count + Self.rounds)
    for number in 0..<count { listings.append(try listing(number)) }
    let resting = Self.memory()

    let clock = ContinuousClock()
    let first = try await clock.measure {
      let made = try await binhost.publish(listings, now: 1_800_000_000)
      precondition(made.listed == listings.count, "\(made.refused.first?.description ?? "")")
    }
    print("first publication, with \(count) new links: \(Self.text(first)) s")
    var times: [Duration] = []
    for round in 0..<Self.rounds {
      listings.append(try listing(count + round))
      let time = try await clock.measure {
        let made = try await binhost.publish(listings, now: 1_800_000_001)
        precondition(made.listed == listings.count && made.isNew)
      }
      print("one package more: \(Self.text(time)) s")
      times.append(time)
    }
    times.sort()
    print("memory before the first publication, listings included: \(resting) MB")
    print("seconds: \(Self.text(times[Self.rounds / 2])) rss_mb: \(Self.memory())")
  }

  /// A package with fields as long as those of Gentoo's packages are on average: about 1 KB.
  private func listing(_ number: Int) throws -> BinhostListing {
    let digits = String(UInt64(number) &* 0x9e37_79b9_7f4a_7c15, radix: 16)
    let root = String(repeating: "0", count: 16 - digits.count) + digits
    let content = root + root + root + root
    let folder = "\(directory)/blobs/\(content.prefix(2))"
    let file = "\(folder)/\(content)"
    let size = 10_000 + number
    for path in [directory, directory + "/blobs", folder] { _ = mkdir(path, 0o755) }
    let descriptor = open(file, O_WRONLY | O_CREAT, 0o644)
    precondition(descriptor >= 0 && ftruncate(descriptor, off_t(size)) == 0, "\(file): \(errno)")
    close(descriptor)

    let cpv = try CPV(
      "category-\(number % 150)/package-name\(number / 3)x-\(number % 3).2.\(number % 11)")
    guard let path = BinhostDirectory.path(of: cpv, root: content) else {
      preconditionFailure("no path for \(cpv)")
    }
    let depend = ">=dev-libs/library\(number % 97)-1.2:0/3= sys-libs/zlib:= virtual/libc "
    let entry = try PackagesEntry(
      cpv: cpv, path: path,
      fields: [
        "BUILD_TIME": "\(1_700_000_000 + number)", "CHOST": "x86_64-pc-linux-gnu", "EAPI": "8",
        "MD5": String(content.prefix(32)), "MTIME": "\(1_700_000_000 + number)", "REPO": "gentoo",
        "SHA1": String(content.prefix(40)), "SIZE": "\(size)", "SLOT": "0/\(number % 9)",
        "BDEPEND": ">=dev-build/meson-1.2 virtual/pkgconfig app-arch/xz-utils[\(number)]",
        "DEPEND": depend + depend, "RDEPEND": depend + depend + depend,
        "DEFINED_PHASES": "compile configure install prepare", "LICENSE": "GPL-2+ MIT",
        "IUSE":
          "+nls debug doc examples +ssl static-libs test abi_x86_32 abi_x86_64 cpu_flags_x86_sse2",
        "KEYWORDS": "~alpha amd64 arm arm64 ~hppa ppc ppc64 ~riscv ~s390 sparc x86",
        "USE": "abi_x86_64 amd64 elibc_glibc kernel_linux nls ssl userland_GNU",
        "DESC": "A package that stands for the \(number)th one of a large binhost",
      ])
    return BinhostListing(entry: PrintedEntry(entry), file: file)
  }

  private static func text(_ duration: Duration) -> String {
    let thousandths = Int(duration / .milliseconds(1))
    let rest = String(thousandths % 1_000)
    return "\(thousandths / 1_000)." + String(repeating: "0", count: 3 - rest.count) + rest
  }

  /// The most resident memory so far, in megabytes (getrusage counts KiB on Linux).
  private static func memory() -> Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss / 1_024
  }
}
