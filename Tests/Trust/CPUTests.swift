import Testing
import Wire

@testable import Trust

@Suite("CPUs and flags") struct CPUTests {
  @Test func theListOfFeaturesIsFixed() {
    // A place in the list is a bit on the wire: names may be added at the end and nowhere else.
    #expect(CPUFeature.names.count == 115)
    #expect(Set(CPUFeature.names).count == CPUFeature.names.count)
    let places = ["mmx": 1, "avx2": 10, "avx512f": 55, "amx-tile": 93, "3dnowa": 114]
    for (name, bit) in places { #expect(CPUFeature(name)?.bit == bit) }
  }

  @Test func bitSetsRoundTrip() {
    let features = CPUFeatures(["sse2", "avx2", "3dnowa"])
    #expect(CPUFeatures(bitSet: features.bitSet) == features)
    #expect(CPUFeatures(["mmx"]).bitSet == [2])
    #expect(CPUFeatures().bitSet == [])
    #expect(CPUFeatures(bitSet: [UInt8](repeating: 0, count: 33)) == nil)
  }

  @Test func theLackingFeatureIsNamed() {
    let build = CPUFeatures(["sse2", "avx2", "bmi2"])
    let host = CPUFeatures(host: ["sse2", "avx2"])
    #expect(build.lacking(in: host).map(\.description) == ["bmi2"])
    #expect(!build.isSubset(of: host))
    #expect(build.isSubset(of: CPUFeatures(host: ["sse2", "avx2", "bmi2"])))
  }

  @Test func aFeatureWithoutANameHereFitsNoHost() throws {
    let build = CPUFeatures(["sse2", "unknown:zen9"])
    #expect(build.lacking(in: CPUFeatures(host: ["sse2", "unknown:zen9"])) == [.unnamed])
    let newer = try #require(CPUFeatures(bitSet: [UInt8](repeating: 0, count: 31) + [1]))
    #expect(newer.lacking(in: CPUFeatures(host: CPUFeature.names)).map(\.bit) == [248])
    let all = CPUFeatures(host: CPUFeature.names)
    #expect(CPUFeatures(["unknown:zen9"]).lacking(in: all) == [.unnamed])
  }

  @Test func switchesThatDemandNothingAreIgnored() {
    #expect(CPUFeatures(["64", "red-zone", "sse2"]) == CPUFeatures(["sse2"]))
  }

  @Test func levelsFollowFromFeatures() {
    #expect(CPULevel(of: CPULevel.v3.features) == .v3)
    #expect(CPULevel(of: CPULevel.v2.features.union(CPUFeatures(["avx2"]))) == .v2)
    #expect(CPULevel(of: CPUFeatures(["mmx"])) == nil)
    for level in CPULevel.allCases { #expect(CPULevel(number: level.number) == level) }
    #expect(CPULevel(number: 5) == nil)
  }

  @Test func whatFollowsFromAHostsFeaturesIsAdded() {
    let host = CPUFeatures(host: ["sse4.2", "abm", "later"])
    #expect(CPUFeatures(["crc32", "lzcnt", "popcnt"]).isSubset(of: host))
    #expect(!host.contains(.unnamed))
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func subsetMatchesTheSetModel(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let names = CPUFeature.names.dropFirst()
    let build = names.filter { _ in Int.random(in: 0..<8, using: &random) == 0 }
    let host = names.filter { _ in Int.random(in: 0..<3, using: &random) > 0 }
    let plain = CPUFeatures(host)
    let lacking = CPUFeatures(build).lacking(in: plain)
    #expect(Set(lacking.map(\.description)) == Set(build).subtracting(host))
  }

  @Test func flagsAreComparedWithSpacesCollapsedAndOrderKept() {
    let one = CompilerFlags(["CFLAGS": " -O2   -pipe\n", "LDFLAGS": "  "])
    #expect(one.values == ["CFLAGS": "-O2 -pipe"])
    #expect(one.digest == CompilerFlags(["CFLAGS": "-O2 -pipe"]).digest)
    #expect(one.digest != CompilerFlags(["CFLAGS": "-pipe -O2"]).digest)
    #expect(one.digest != CompilerFlags(["CXXFLAGS": "-O2 -pipe"]).digest)
    #expect(one.differences(from: CompilerFlags(["CXXFLAGS": "-O2"])) == ["CFLAGS", "CXXFLAGS"])
  }

  @Test func theLevelsFeaturesAreJudgedEvenIfNotListed() {
    let facts = Samples.facts { $0.cpu = PackageFacts.CPU(march: "x", level: "x86-64-v3") }
    #expect(CPULevel.v3.features.isSubset(of: JudgedFacts(of: facts).features))
  }
}
