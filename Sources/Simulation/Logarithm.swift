import Glibc

/// The natural logarithm, for draws from distributions.
func logarithm(_ value: Double) -> Double { log(value) }

/// `base` to the power `exponent`.
func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
