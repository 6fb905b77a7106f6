// A tensor holds, and is read as, the C++ types that stand for an element type. Each CASE but 0 asks for another one.
#include <complex>
#include <string>

#include "aidge/data/Convert.hpp"
#include "aidge/data/Tensor.hpp"

double use(Aidge::Tensor& tensor) {
#if CASE == 0  // The types of elements can be held, read, written and converted
  tensor.mutableData<float>()[0] = Aidge::convertTo<float>(Aidge::Half(1.0F));
  return Aidge::Tensor::fromValues<float>({1}, {1.0F}).data<float>()[0];
#elif CASE == 1  // A tensor cannot be read as strings: TensorElement, DataTypeOf<T>::value
  return static_cast<double>(tensor.data<std::string>().size());
#elif CASE == 2  // A tensor cannot be read as constants, whose constness the span has already: TensorElement, DataTypeOf<T>::value
  return tensor.data<const float>()[0];
#elif CASE == 3  // A tensor cannot be written as complex numbers: TensorElement, DataTypeOf<T>::value
  return tensor.mutableData<std::complex<float>>()[0].real();
#elif CASE == 4  // A tensor cannot be made from long doubles: TensorElement, DataTypeOf<T>::value
  return Aidge::Tensor::fromValues<long double>({1}, {1.0L}).toDoubles()[0];
#elif CASE == 5  // A number cannot be converted to a character: TensorElement, DataTypeOf<T>::value
  return Aidge::convertTo<char>(1.0F);
#endif
}
